"""Phase in families and of read blocks: worked cases, an oracle of simulated haplotypes, shards, stores."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.joint import io_store
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.io_store import CohortStore
from deepcohort.joint.pedigree import Pedigree, lineage_of
from deepcohort.joint.phase import empty_calls
from deepcohort.joint.phase_kernels import PhaseLimits, phase_families
from joint_helpers import SEQUENCE, block, write_gvcf, write_reference

TRIO = Pedigree({"kid": ("dad", "mom")}, {"dad": "XY", "mom": "XX", "kid": "XX"}, {})
LIMITS = PhaseLimits(20, 1_000_000, 2, True)
PLS = {0: "0,99,990", 1: "300,0,400", 2: "800,90,0"}


def record(pos: int, gt: str, phase: str = "", gq: int = 90, alt: str = "") -> str:
    """A SNP at `pos`; `phase` is PS[:PQ] of a phased genotype."""
    ref = SEQUENCE[pos - 1]
    alt = alt or ("A" if ref != "A" else "C")
    copies = sum(allele == "1" for allele in gt[::2])
    keys = "GT:GQ:DP:AD:PL" + (":PS:PQ"[: 3 * (1 + phase.count(":"))] if phase else "")
    pl = f"{PLS[copies]},999,999,999"
    return f"{pos} {ref} {alt},<NON_REF> . {keys} {gt}:{gq}:30:15,15,0:{pl}{':' + phase if phase else ''}"


def rows_of(records: dict[int, str]) -> list[str]:
    """Records with reference blocks between them."""
    rows, at = [], 1
    for pos in sorted(records):
        if pos > at:
            rows.append(block(at, pos - 1, gq=99))
        rows.append(records[pos])
        at = pos + 1
    return [*rows, block(at, 300, gq=99)]


def gvcfs(folder: Path, samples: dict[str, dict[int, str]]) -> list[Path]:
    return [write_gvcf(folder, name, rows_of(found), phase=True) for name, found in samples.items()]


def text_of(folder: Path, paths: list[Path], name: str = "cohort", **more) -> str:
    out = folder / f"{name}.vcf.gz"
    genotype_cohort(paths, folder / "ref.fa", out, quiet=True, **more)
    with pysam.BGZFile(str(out)) as file:
        return file.read().decode()


def phased(text: str) -> dict[int, dict[str, tuple[str, str, str, str]]]:
    """POS -> sample -> (GT, PS, PQ, DNO)."""
    found, samples = {}, []
    for line in text.splitlines():
        fields = line.split("\t")
        if line.startswith("#CHROM"):
            samples = fields[9:]
        elif line[0] != "#":
            cells = [dict(zip(fields[8].split(":"), cell.split(":"), strict=False)) for cell in fields[9:]]
            found[int(fields[1])] = {
                name: tuple(cell.get(key, "") for key in ("GT", "PS", "PQ", "DNO"))
                for name, cell in zip(samples, cells, strict=True)
            }
    return found


def test_transmission_worked_by_hand(tmp_path):
    """Child paternal|maternal, founders transmitted|untransmitted; all heterozygous stays open."""
    write_reference(tmp_path)
    dad = {11: record(11, "0/1"), 21: record(21, "1/1"), 41: record(41, "0/1"), 51: record(51, "0/1")}
    mom = {31: record(31, "0/1"), 41: record(41, "0/1"), 51: record(51, "1/1")}
    kid = {11: record(11, "0/1"), 21: record(21, "0/1"), 31: record(31, "0/1"), 41: record(41, "0/1"),
           51: record(51, "1/1")}  # fmt: skip
    found = phased(text_of(tmp_path, gvcfs(tmp_path, {"dad": dad, "mom": mom, "kid": kid}), pedigree=TRIO))
    assert [found[pos]["kid"][0] for pos in (11, 21, 31, 41, 51)] == ["1|0", "1|0", "0|1", "0/1", "1/1"]
    assert [found[pos]["dad"][0] for pos in (11, 21, 41, 51)] == ["1|0", "1/1", "0/1", "1|0"]
    assert [found[pos]["mom"][0] for pos in (31, 41)] == ["1|0", "0/1"]
    assert found[11]["kid"][1] == found[31]["mom"][1] == "1"
    assert int(found[11]["kid"][2]) >= 90
    assert found[41]["kid"][1] == ""


def test_read_blocks_join_what_transmission_leaves_open(tmp_path):
    """All heterozygous at 41: the father's block goes on from 11, where his transmitted allele is known."""
    write_reference(tmp_path)
    dad = {11: record(11, "0|1", "11:50"), 41: record(41, "1|0", "11:33")}
    mom = {41: record(41, "0/1")}
    kid = {11: record(11, "0/1"), 41: record(41, "0/1")}
    found = phased(text_of(tmp_path, gvcfs(tmp_path, {"dad": dad, "mom": mom, "kid": kid}), pedigree=TRIO))
    assert found[11]["dad"][:2] == ("1|0", "1")  # transmitted first: the block is turned
    assert found[41]["dad"] == ("0|1", "1", "33", "")
    assert found[41]["kid"] == ("0|1", "1", "33", "")
    assert found[41]["mom"][:2] == ("1|0", "1")


def test_blocks_that_contradict_each_other_leave_a_site_open(tmp_path):
    write_reference(tmp_path)
    dad = {11: record(11, "0|1", "11:50"), 41: record(41, "1|0", "11:33")}
    mom = {41: record(41, "0/1")}
    kid = {11: record(11, "0|1", "7:20"), 41: record(41, "0|1", "7:20")}
    found = phased(text_of(tmp_path, gvcfs(tmp_path, {"dad": dad, "mom": mom, "kid": kid}), pedigree=TRIO))
    # each keeps its read block as it is, apart from the family's
    assert found[41]["kid"][:2] == ("0|1", "7")
    assert found[41]["dad"][:2] == ("1|0", "11")
    assert found[41]["mom"][0] == "0/1"


def test_weak_parents_say_nothing(tmp_path):
    write_reference(tmp_path)
    weak = "11 A C,<NON_REF> . GT:GQ:DP:AD:PL 0/1:5:3:2,1,0:5,0,40,99,99,99"
    kid = {11: record(11, "0/1", alt="C"), 21: record(21, "0|1", "21:40"), 31: record(31, "1|0", "21:40")}
    paths = gvcfs(tmp_path, {"dad": {11: weak}, "kid": kid})
    only_dad = Pedigree({"kid": ("dad", "")}, {}, {})
    found = phased(
        text_of(tmp_path, paths, pedigree=only_dad, config=replace(JointConfig(), phase_min_gq=80))
    )
    assert found[11]["kid"][0] == "0/1"
    assert found[21]["kid"][:3] == ("0|1", "1", "99")  # father 0/0 there: paternal 0
    assert found[11]["dad"][0] == "0/1"


def test_new_alleles_have_a_parent_of_origin(tmp_path):
    """A new allele at 41 lies on the haplotype that has the mother's allele of 21 in the child's reads."""
    write_reference(tmp_path)
    kid = {21: record(21, "0|1", "21:60"), 41: record(41, "0|1", "21:60"), 61: record(61, "0/1")}
    paths = gvcfs(tmp_path, {"dad": {}, "mom": {21: record(21, "0/1")}, "kid": kid})
    text = text_of(tmp_path, paths, pedigree=TRIO)
    found = phased(text)
    assert found[21]["kid"][0] == "0|1"
    assert found[41]["kid"] == ("0|1", "1", "60", "M")
    assert found[61]["kid"] == ("0/1", "", "", "")
    assert text.count("DENOVO=kid") == 2


def test_read_blocks_pass_through_without_a_pedigree(tmp_path):
    """PS and PQ as in the gVCF where the genotype stayed; records in another spelling, and two ALTs."""
    write_reference(tmp_path)
    two = (
        "51 A C,G,<NON_REF> . GT:GQ:DP:AD:PL:PS 2|1:90:30:0,15,15,0:900,400,500,400,0,500,900,900,900,900:11"
    )
    lost = "71 A C,<NON_REF> . GT:GQ:DP:AD:PL:PS 0|1:3:9:8,1,0:0,30,400,99,99,400:11"
    long = "81 ACG AC,<NON_REF> . GT:GQ:DP:AD:PL:PS:PQ 1|0:90:30:15,15,0:300,0,400,999,999,999:11:8"
    own = {11: record(11, "1|0", "11:50"), 51: two, 71: lost, 81: long, 201: record(201, "0|1")}
    paths = gvcfs(tmp_path, {"one": own, "other": {71: record(71, "0|1", "71:9", alt="C")}})
    text = text_of(tmp_path, paths)
    found = phased(text)
    assert found[11]["one"][:3] == ("1|0", "11", "50")
    line = next(line for line in text.splitlines() if line.startswith("c1\t51\t"))
    alts = line.split("\t")[4].split(",")
    assert [alts[int(a) - 1] for a in found[51]["one"][0].split("|")] == ["G", "C"]
    assert found[51]["one"][1:3] == ("11", ".")
    assert found[71]["one"][:2] == ("0/0", "")
    assert found[71]["other"][:3] == ("0|1", "71", "9")
    assert found[82]["one"][:3] == ("1|0", "11", "8")
    assert found[201]["one"][:2] == ("0|1", ".")  # `|` without PS: a set of the contig's
    plain = text_of(tmp_path, paths, "plain", config=replace(JointConfig(), phase=False))
    assert not any(gt for site in phased(plain).values() for gt, *_ in site.values() if "|" in gt)
    assert "##FORMAT=<ID=PS" not in plain
    assert "##FORMAT=<ID=PS" in text


def test_without_phase_nothing_is_written_otherwise(tmp_path):
    """The lines with --no-phase are those with phase but for GT's separator and order, PS, PQ and DNO."""
    write_reference(tmp_path)
    kid = {21: record(21, "0|1", "21:60"), 41: record(41, "0|1", "21:60"), 61: record(61, "0/1")}
    paths = gvcfs(tmp_path, {"dad": {}, "mom": {21: record(21, "0/1")}, "kid": kid})
    on = text_of(tmp_path, paths, "on", pedigree=TRIO)
    off = text_of(tmp_path, paths, "off", pedigree=TRIO, config=replace(JointConfig(), phase=False))
    lines = []
    for line in on.splitlines():
        if line.startswith(("##FORMAT=<ID=PS", "##FORMAT=<ID=PQ", "##FORMAT=<ID=DNO")):
            continue
        fields = line.split("\t")
        if line[0] != "#":
            n = len([key for key in fields[8].split(":") if key not in ("PS", "PQ", "DNO")])
            cells = [cell.split(":")[:n] for cell in fields[9:]]
            for cell in cells:
                cell[0] = "/".join(sorted(cell[0].replace("|", "/").split("/")))
                while cell[-1] == "." and len(cell) > 5:
                    cell.pop()
            fields = [*fields[:8], ":".join(fields[8].split(":")[:n]), *(":".join(c) for c in cells)]
        lines.append("\t".join(fields))
    assert lines == off.splitlines()


def simulated(rng: np.random.Generator, n_sites: int, pedigree: Pedigree, names: list[str]):
    """Calls of simulated haplotypes: founders' at random, no recombination for heirs, one crossover for others.

    Returns calls and, of every sample, its haplotypes (L, 2): of children paternal and maternal, of founders
    handed on to their heir and not.
    """
    lineage = lineage_of(pedigree, names)
    haps = {}
    for s in range(len(names)):
        haps[s] = rng.integers(0, 2, (n_sites, 2))
    for child, father, mother in lineage.trios.tolist():
        for side, parent in enumerate((father, mother)):
            if parent < 0:
                continue
            if lineage.heir[parent] == child:
                haps[child][:, side] = haps[parent][:, 0]
            else:
                cut, first = rng.integers(0, n_sites), rng.integers(0, 2)
                which = np.where(np.arange(n_sites) < cut, first, 1 - first)
                haps[child][:, side] = haps[parent][np.arange(n_sites), which]
    calls = empty_calls(n_sites, len(names))
    calls.pos[:] = np.cumsum(rng.integers(1, 200, n_sites))
    calls.gq[:] = rng.choice([10, 50, 80], calls.gq.shape, p=[0.05, 0.5, 0.45])
    calls.is_new[:] = False
    calls.read_pq[:] = 40
    for s in range(len(names)):
        calls.gt[:, s] = np.sort(haps[s], axis=1)
        order = (haps[s][:, 0] > haps[s][:, 1]).astype(np.int8)
        block_of = np.cumsum(rng.random(n_sites) < 0.15)
        turned = rng.integers(0, 2, block_of[-1] + 1)
        calls.read_order[:, s] = order ^ turned[block_of]
        het = haps[s][:, 0] != haps[s][:, 1]
        calls.read_set[:, s] = np.where(het & (rng.random(n_sites) < 0.9), 100 + block_of, -1)
    return calls, lineage, haps


FAMILIES = {
    "trio": ({"c": ("f", "m")}, ["f", "m", "c"]),
    "duo": ({"c": ("f", "")}, ["c", "f", "x"]),
    "quartet": ({"c": ("f", "m"), "d": ("f", "m")}, ["d", "f", "m", "c"]),
    "three generations": (
        {"c": ("f", "m"), "f": ("g", "h"), "e": ("c", "x")},
        ["e", "g", "h", "f", "m", "c", "x"],
    ),
    "half siblings": ({"c": ("f", "m"), "d": ("f", "n")}, ["m", "n", "f", "d", "c"]),
}


@pytest.mark.parametrize("family", list(FAMILIES))
def test_whatever_is_phased_is_right(family):
    """Against simulated haplotypes: no order is wrong (near crossovers aside), and nearly all are there."""
    parents, names = FAMILIES[family]
    pedigree = Pedigree(parents, {}, {})
    wrong = seen = open_ = 0
    for seed in range(12):
        calls, lineage, haps = simulated(np.random.default_rng(seed), 200, pedigree, names)
        order = np.empty(calls.gq.shape, dtype=np.int8)
        pq = np.empty(calls.gq.shape, dtype=np.int16)
        phase_families(calls, lineage, LIMITS, order, pq)
        for s in np.flatnonzero(lineage.related):
            het = haps[s][:, 0] != haps[s][:, 1]
            assert (order[~het, s] == -1).all()
            told = het & (order[:, s] >= 0)
            truth = haps[s][:, 0] > haps[s][:, 1]
            wrong += int((order[told, s] != truth[told]).sum())
            seen += int(told.sum())
            open_ += int((het & ~told).sum())
            assert (pq[told, s] >= 0).all()
    # siblings' crossovers lie somewhere between two known sites: a site there may follow the wrong side
    assert wrong <= (0 if family in ("trio", "duo") else seen // 400)
    assert open_ < 0.1 * seen, (open_, seen)


def test_genotypes_alone_give_what_they_determine():
    """Without read blocks: just the sites that a table of Mendel's rules determines."""
    pedigree = Pedigree({"c": ("f", "m")}, {}, {})
    calls, lineage, haps = simulated(np.random.default_rng(5), 400, pedigree, ["f", "m", "c"])
    calls.read_set[:] = -1
    calls.gq[:] = 50
    order, pq = np.empty(calls.gq.shape, dtype=np.int8), np.empty(calls.gq.shape, dtype=np.int16)
    phase_families(calls, lineage, LIMITS, order, pq)
    copies = [haps[s].sum(axis=1) for s in range(3)]
    all_het = (copies[0] == 1) & (copies[1] == 1) & (copies[2] == 1)
    for s in range(3):
        assert ((order[:, s] >= 0) == ((copies[s] == 1) & ~all_het)).all()
    assert 20 < all_het.sum() < 100


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """gVCFs of a quartet over 20 kb with read blocks, and the reference."""
    folder = tmp_path_factory.mktemp("family")
    rng = np.random.default_rng(11)
    sequence = "".join(rng.choice(list("ACGT"), 20_000))
    write_reference(folder, {"c1": sequence})
    parents, names = FAMILIES["quartet"]
    pedigree = Pedigree(parents, {}, {})
    calls, _, haps = simulated(rng, 180, pedigree, names)
    paths = []
    for s, name in enumerate(names):
        rows, at = [], 1
        for i in range(180):
            pos = int(calls.pos[i]) + 1
            if pos > at:
                rows.append(
                    f"c1 {at} . {sequence[at - 1]} <NON_REF> . . END={pos - 1} GT:GQ:DP:MIN_DP:PL 0/0:99:30:30:0,99,990"
                )
            ref = sequence[pos - 1]
            alt = "A" if ref != "A" else "C"
            copies = int(haps[s][i].sum())
            cell = f"{'/'.join(map(str, sorted(haps[s][i])))}:90:30:15,15,0:{PLS[copies]},999,999,999"
            keys = "GT:GQ:DP:AD:PL"
            if calls.read_set[i, s] >= 0:
                keys += ":PS:PQ"
                a, b = calls.gt[i, s] if calls.read_order[i, s] == 0 else calls.gt[i, s][::-1]
                cell = f"{a}|{b}{cell[3:]}:{calls.read_set[i, s]}:40"
            rows.append(f"c1 {pos} . {ref} {alt},<NON_REF> 50 . . {keys} {cell}")
            at = pos + 1
        rows.append(
            f"c1 {at} . {sequence[at - 1]} <NON_REF> . . END=20000 GT:GQ:DP:MIN_DP:PL 0/0:99:30:30:0,99,990"
        )
        paths.append(write_gvcf(folder, name, rows, contigs={"c1": 20_000}, phase=True))
    return folder, paths, pedigree


# a reach far below the contig's length, so that shards do not see all of it
NEAR = replace(JointConfig(), phase_reach_bp=300, max_shift_bp=100, cells_per_window=1)


def lines(folder: Path, paths: list[Path], name: str, **more) -> list[str]:
    return [line for line in text_of(folder, paths, name, config=NEAR, **more).splitlines() if line[0] != "#"]


def test_shards_and_windows_change_nothing(family):
    folder, paths, pedigree = family
    whole = lines(folder, paths, "whole", pedigree=pedigree)
    assert sum("|" in line for line in whole) > 150
    wide = replace(NEAR, cells_per_window=10**9)
    text = text_of(folder, paths, "wide", config=wide, pedigree=pedigree)
    assert [line for line in text.splitlines() if line[0] != "#"] == whole
    edges = [0, 4_000, 4_777, 11_000, 11_050, 20_000]
    parts = []
    for start, end in pairwise(edges):
        parts += lines(folder, paths, "part", pedigree=pedigree, regions=[Region("c1", start, end)])
    assert parts == whole


def test_stores_keep_phase(family, monkeypatch):
    """From stores, stores in parts, stores of stores and gVCFs beside them: the bytes of the gVCFs."""
    monkeypatch.setattr(io_store, "_MIN_CHUNK_BP", 500)
    monkeypatch.setattr(io_store, "_CHUNK_SAMPLES_BP", 1)
    folder, paths, pedigree = family
    whole = lines(folder, paths, "whole", pedigree=pedigree)
    shards = [("a", [Region("c1", 0, 7_300)]), ("b", [Region("c1", 7_300, 20_000)])]
    common = {"reference": folder / "ref.fa", "config": NEAR, "quiet": True}
    genotype_cohort(paths[:3], output=None, save_store=folder / "parts", shards=shards, **common)
    genotype_cohort(paths[3:], output=None, save_store=folder / "one.store", **common)
    stores = [folder / "parts", folder / "one.store"]
    assert lines(folder, [], "stored", stores=stores, pedigree=pedigree) == whole
    assert lines(folder, paths[3:], "mixed", stores=stores[:1], pedigree=pedigree) == whole
    genotype_cohort([], output=None, stores=stores, save_store=folder / "all", shards=shards, **common)
    assert lines(folder, [], "top", stores=[folder / "all"], pedigree=pedigree) == whole
    inner = [Region("c1", 7_300, 9_000)]
    expected = [line for line in whole if 7_300 < int(line.split("\t")[1]) <= 9_000]
    assert lines(folder, [], "inner", stores=[folder / "all"], pedigree=pedigree, regions=inner) == expected
    assert CohortStore(folder / "one.store").has_phase


def test_a_store_of_an_older_version_is_read(family, monkeypatch):
    """It has neither phase nor records before its regions: families are phased by genotypes alone."""
    folder, paths, pedigree = family
    old = replace(NEAR, phase_rounds=0)
    genotype_cohort(paths, folder / "ref.fa", None, config=old, quiet=True, save_store=folder / "old.store")
    out = folder / "old.vcf.gz"
    summary = genotype_cohort(
        [], folder / "ref.fa", out, config=NEAR, quiet=True, stores=[folder / "old.store"], pedigree=pedigree
    )
    assert any("old.store keeps no phase" in warning for warning in summary.warnings)
    with pysam.BGZFile(str(out)) as file:
        rows = [line for line in file.read().decode().splitlines() if line[0] != "#"]
    whole = lines(folder, paths, "whole", pedigree=pedigree)
    assert [r.split("\t")[:7] for r in rows] == [r.split("\t")[:7] for r in whole]
    assert 0 < sum(r.count("|") for r in rows) < sum(r.count("|") for r in whole)


def test_the_heir_is_the_first_child_by_name():
    pedigree = Pedigree({"z": ("f", "m"), "b": ("f", ""), "g": ("b", "")}, {}, {})
    names = ["z", "f", "m", "g", "b"]
    lineage = lineage_of(pedigree, names)
    assert lineage.trios.tolist() == [[4, 1, -1], [0, 1, 2], [3, 4, -1]]
    assert lineage.heir.tolist() == [-1, 4, 0, -1, -1]
    assert lineage.related.all()
    assert not lineage_of(pedigree, ["f", "m"]).related.any()
