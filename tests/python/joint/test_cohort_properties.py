"""What must hold of any cohort: nothing called is lost, and shards, windows and order change nothing."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from glnexus_oracle import primitives
from joint_helpers import SEQUENCE, block, genotype, het, hom, read_rows, write_gvcf, write_reference

FLAT = JointConfig(population_prior=False, min_gq=0)


def random_records(rng, dense=6):
    """Blocks, SNPs, MNPs and indels over SEQUENCE; what the sample carries: primitive -> copies."""
    rows, carried = [], {}
    at = 1
    n = len(SEQUENCE)
    while at <= n:
        end = min(n, at + int(rng.integers(1, 2 * dense)) - 1)
        if end < n - 12 and rng.random() < 0.8:
            if end >= at:
                rows.append(block(at, end))
            pos = end + 1
            size = int(rng.integers(1, 8))
            kind = rng.integers(0, 4)
            ref = SEQUENCE[pos - 1 : pos - 1 + size]
            if kind == 0:
                ref, alt = ref[0], "ACGT"[("ACGT".index(ref[0]) + int(rng.integers(1, 4))) % 4]
            elif kind == 1:
                alt = ref[0]
            elif kind == 2:
                ref, alt = ref[0], ref[0] + "".join(rng.choice(list("ACGT"), size))
            else:
                alt = "".join("ACGT"[("ACGT".index(b) + 1) % 4] for b in ref)
            if ref == alt:
                at = pos
                continue
            copies = int(rng.integers(1, 3))
            rows.append((het if copies == 1 else hom)(pos, ref, alt))
            for found in primitives(pos, ref, alt, lambda p: SEQUENCE[p - 1]):
                carried[found] = carried.get(found, 0) + copies
            at = pos + len(ref)
        else:
            rows.append(block(at, end, dp=int(rng.choice([0, 5, 30]))))
            at = end + 1
    return rows, carried


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_reference(folder)
    rng = np.random.default_rng(11)
    paths, truth = [], {}
    for i in range(12):
        rows, truth[f"S{i}"] = random_records(rng)
        paths.append(write_gvcf(folder, f"S{i}", rows))
    return folder, paths, truth


def test_no_called_allele_is_lost(cohort):
    folder, paths, truth = cohort
    rows = genotype(folder, paths, FLAT)
    where = {}
    for key in rows:
        pos, ref, alts = key.split()
        for i, alt in enumerate(alts.split(","), start=1):
            if alt != "*":
                for found in primitives(int(pos), ref, alt, lambda p: SEQUENCE[p - 1]):
                    where[found] = (key, str(i))
    n_missing = 0
    for sample, carried in truth.items():
        for allele, copies in carried.items():
            assert allele in where, f"{sample} lost {allele}"
            key, index = where[allele]
            gt = rows[key][sample]["GT"]
            # indels that normalising moves into a neighbour's span may contradict it
            if rows[key][sample].get("RNC") == "CONFLICT" or "." in gt:
                assert gt == "./.", (sample, allele)
                n_missing += 1
            else:
                assert gt.split("/").count(index) == min(2, copies), (sample, allele)
    assert n_missing < 0.05 * sum(len(carried) for carried in truth.values())


def deletes(row, sample: str, ref: str, alts: list[str]) -> bool:
    """Whether a sample carries an ALT that is shorter than REF, or may."""
    gt = row[sample]["GT"].split("/")
    return "." in gt or any(
        a != "0" and alts[int(a) - 1] != "*" and len(alts[int(a) - 1]) < len(ref) for a in gt
    )


def test_star_stands_only_where_its_carriers_delete_the_base(cohort):
    folder, paths, truth = cohort
    rows = genotype(folder, paths, FLAT)
    sites = [(int(p), r, a.split(",")) for p, r, a in (key.split() for key in rows)]
    carried = 0
    for key, (pos, _, alts) in zip(rows, sites, strict=True):
        if "*" not in alts:
            continue
        over = [(k, r, a) for k, (p, r, a) in zip(rows, sites, strict=True) if p < pos < p + len(r)]
        for sample in truth:
            if str(1 + alts.index("*")) in rows[key][sample]["GT"].split("/"):
                assert any(deletes(rows[k], sample, r, a) for k, r, a in over), (key, sample)
                carried += 1
    assert carried > 100


@pytest.mark.parametrize("cuts", [[0, 300], [0, 1, 2, 150, 300], [0, *range(13, 300, 17), 300]])
def test_regions_change_nothing(cohort, cuts):
    folder, paths, _ = cohort
    whole = genotype(folder, paths)
    pieces = {}
    for start, end in itertools.pairwise(cuts):
        rows = genotype(folder, paths, regions=[Region("c1", start, end)])
        assert all(start < int(key.split()[0]) <= end for key in rows)
        pieces.update(rows)
    assert list(pieces) == list(whole)
    assert pieces == whole


def test_windows_change_nothing(cohort):
    folder, paths, _ = cohort
    whole = genotype(folder, paths)
    # windows of 4 x max_shift_bp = 40 bp: many of them, each with text kept from the one before
    small = replace(JointConfig(), cells_per_window=1, max_shift_bp=10)
    assert genotype(folder, paths, small) == genotype(folder, paths, replace(JointConfig(), max_shift_bp=10))
    assert list(genotype(folder, paths, small)) == list(whole)


def test_order_of_samples_is_that_of_columns_alone(cohort):
    folder, paths, _ = cohort
    assert genotype(folder, paths[::-1]) == genotype(folder, paths)


def test_same_bytes_again_and_with_csi(cohort, tmp_path):
    folder, paths, _ = cohort
    for name in ("a", "b"):
        genotype_cohort(paths, folder / "ref.fa", tmp_path / f"{name}.vcf.gz", quiet=True)
    assert (tmp_path / "a.vcf.gz").read_bytes() == (tmp_path / "b.vcf.gz").read_bytes()
    assert (tmp_path / "a.vcf.gz.tbi").exists()
    rows, _ = random_records(np.random.default_rng(1))
    with_csi = write_gvcf(tmp_path, "C", rows, csi=True)
    assert (tmp_path / "C.g.vcf.gz.csi").exists()
    whole = genotype(tmp_path, [with_csi], FLAT, reference=folder / "ref.fa")
    part = genotype(tmp_path, [with_csi], FLAT, reference=folder / "ref.fa", regions=[Region("c1", 100, 300)])
    assert part == {key: row for key, row in whole.items() if int(key.split()[0]) > 100}
    assert read_rows(tmp_path / "cohort.vcf.gz") == part


def test_a_lone_carrier_is_not_lost_in_a_large_cohort(tmp_path):
    """PLs of a caller end near 45 phred: less than 10 log10(2N) asks for beyond some thousand samples."""
    write_reference(tmp_path)
    rows = [
        block(1, 12),
        "13 G A,<NON_REF> . GT:GQ:DP:AD:PL 0/1:45:30:15,15,0:45,0,50,90,90,120",
        block(14, 300),
    ]
    carrier = write_gvcf(tmp_path, "carrier", rows)
    others = [write_gvcf(tmp_path, f"other{i}", [block(1, 300)]) for i in range(30)]
    # 30 samples whose prior is that of 30 million: the same frequency as one carrier of so many
    alone = replace(JointConfig(), ref_pseudo_count=6e7)
    row = genotype(tmp_path, [carrier, *others], alone)["13 G A"]
    assert row["carrier"]["GT"] == "0/1"
    assert row["FILTER"] == "PASS"
    unbounded = replace(alone, min_frequency=0.0, keep_uncarried=True)
    assert genotype(tmp_path, [carrier, *others], unbounded)["13 G A"]["carrier"]["GT"] != "0/1"
