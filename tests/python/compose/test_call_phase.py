"""`call` with phase: the truth is found, and neither shards nor processes show."""

import gzip
import itertools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.calls.merge import merge_files, merge_shards
from deepcohort.compose.call_shard import CallJob, ShardConfig, call_shard
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.phase.config import PhaseConfig
from deepcohort.reads.config import ReadsConfig
from naive_predictor import NaivePredictor

CONTIG, LENGTH_BP = "c", 9_000
GAP = (5_000, 5_800)  # without variants: no short fragment spans it
DELETION, INSERTION, TWO_ALTS = 2_011, 3_031, 4_007


def variants_of(random: np.random.Generator, text: str) -> list[tuple[int, str, str, str]]:
    """(pos, REF, allele of haplotype 1, of haplotype 2), heterozygous, about every 110 bp."""
    found = []
    for pos in range(150, LENGTH_BP - 150, 110):
        pos += int(random.integers(0, 20))
        if GAP[0] <= pos < GAP[1] or any(abs(pos - p) < 60 for p in (DELETION, INSERTION, TWO_ALTS)):
            continue
        alt = "ACGT"[("ACGT".index(text[pos]) + 1) % 4]
        found.append((pos, text[pos], text[pos], alt))
    for pos in (DELETION, INSERTION):
        ref = text[pos : pos + 4] if pos == DELETION else text[pos]
        found.append((pos, ref, ref, text[pos] if pos == DELETION else text[pos] + "ACTGA"))
    one, other = ("ACGT"[("ACGT".index(text[TWO_ALTS]) + k) % 4] for k in (1, 2))
    found.append((TWO_ALTS, text[TWO_ALTS], one, other))
    swapped = [(p, r, b, a) if random.random() < 0.5 else (p, r, a, b) for p, r, a, b in found]
    return sorted(swapped)


def haplotype(text: str, variants: list[tuple[int, str, str, str]], side: int) -> list[tuple[str, int]]:
    """(base, reference position or -1) of one haplotype."""
    bases, at = [], 0
    for pos, ref, *alleles in variants:
        bases += [(text[i], i) for i in range(at, pos)]
        allele = alleles[side]
        bases += [(base, pos + k if k < len(ref) else -1) for k, base in enumerate(allele)]
        at = pos + len(ref)
    return bases + [(text[i], i) for i in range(at, len(text))]


def cigar_of(bases: list[tuple[str, int]]) -> str:
    ops, last = [], bases[0][1] - 1
    for _, at in bases:
        if at >= 0:
            ops += ["D"] * (at - last - 1)
            last = at
        ops.append("M" if at >= 0 else "I")
    return "".join(f"{len(list(run))}{op}" for op, run in itertools.groupby(ops))


def sam_record(name: str, flag: int, bases: list[tuple[str, int]], mate_pos: int, insert: int) -> str:
    seq = "".join(base for base, _ in bases)
    mate = f"=\t{mate_pos + 1}\t{insert}" if flag else "*\t0\t0"
    quality = "I" * len(seq)
    return f"{name}\t{flag}\t{CONTIG}\t{bases[0][1] + 1}\t60\t{cigar_of(bases)}\t{mate}\t{seq}\t{quality}\tRG:Z:1"


def write_reads(folder: Path, kind: str) -> tuple[Path, Path, list[tuple[int, str, str, str]]]:
    """(reference, BAM, variants) with pairs 2x100 of 320 bp or with reads of 2,500 bp."""
    random = np.random.default_rng(7)
    text = "".join(random.choice(list("ACGT"), LENGTH_BP))
    for pos, bases in ((DELETION, "ACGT"), (INSERTION, "C")):  # such that no indel can be shifted to the left
        text = text[:pos] + bases + text[pos + len(bases) :]
    variants = variants_of(random, text)
    lines = []
    for side in (0, 1):
        bases = haplotype(text, variants, side)
        length, step = (320, 12) if kind == "short" else (2_500, 180)
        for start in range(0, len(bases) - length, step):
            whole = bases[start : start + length]
            ends = [whole[:100], whole[-100:]] if kind == "short" else [whole]
            if any(part[0][1] < 0 or part[-1][1] < 0 for part in ends):
                continue
            name, insert = f"{side}:{start}", whole[-1][1] + 1 - whole[0][1]
            if kind == "short":
                lines.append(sam_record(name, 99, ends[0], ends[1][0][1], insert))
                lines.append(sam_record(name, 147, ends[1], ends[0][0][1], -insert))
            else:
                lines.append(sam_record(name, 0, whole, 0, 0))
    reference, bam = folder / "r.fa", folder / "x.bam"
    reference.write_text(f">{CONTIG}\n{text}\n")
    pysam.faidx(str(reference))
    lines.sort(key=lambda line: int(line.split("\t")[3]))
    header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{CONTIG}\tLN:{LENGTH_BP}\n@RG\tID:1\tSM:S\n"
    (folder / "x.sam").write_text(header + "\n".join(lines) + "\n")
    pysam.view("-b", "-o", str(bam), str(folder / "x.sam"), catch_stdout=False)
    pysam.index(str(bam))
    return reference, bam, variants


@pytest.fixture(scope="module", params=["short", "long"])
def inputs(request, tmp_path_factory):
    return write_reads(tmp_path_factory.mktemp(request.param), request.param), request.param


def call(folder: Path, inputs, name: str, region: Region | None = None, evidence=False, **settings):
    """Call with phase; paths of the gVCF, the VCF and the evidence."""
    (reference, bam, _), _ = inputs
    paths = folder / f"{name}.g.vcf.gz", folder / f"{name}.vcf.gz"
    told = folder / f"{name}.npz" if evidence else None
    settings = {"phase": PhaseConfig(), **settings}
    region = region or Region(CONTIG, 0, LENGTH_BP)
    job = CallJob([bam], reference, [region], "S", *paths, phase_evidence=told, **settings)
    call_shard(job, NaivePredictor(), quiet=True)
    return *paths, told


def phased_of(path: Path) -> dict[int, tuple[str, dict[str, str]]]:
    """{0-based POS: (alleles of the haplotypes, sample's fields)} of phased records."""
    found = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            if line.startswith("#"):
                continue
            x = line.rstrip("\n").split("\t")
            sample = dict(zip(x[8].split(":"), x[9].split(":"), strict=True))
            if "|" in sample["GT"]:
                alleles = [x[3], *x[4].split(",")]
                found[int(x[1]) - 1] = ([alleles[int(a)] for a in sample["GT"].split("|")], sample)
    return found


def test_phase_is_the_planted_one(inputs, tmp_path):
    (_, _, variants), kind = inputs
    gvcf, vcf, _ = call(tmp_path, inputs, "x")
    phased = phased_of(vcf)
    truth = {pos: [a, b] for pos, _, a, b in variants}
    assert set(phased) <= set(truth)
    assert len(phased) >= len(truth) - 2
    blocks: dict[str, set[bool]] = {}
    for pos, (alleles, sample) in phased.items():
        one, other = truth[pos]
        # the VCF may write an indel with more of the reference: lengths and first differing base tell it
        key = (len(alleles[0]) - len(alleles[1]), alleles[0][0], alleles[1][0])
        as_written = key == (len(one) - len(other), one[0], other[0])
        assert as_written or key == (len(other) - len(one), other[0], one[0])
        blocks.setdefault(sample["PS"], set()).add(as_written)
        assert int(sample["PQ"]) >= PhaseConfig().min_quality_phred
    assert all(len(sides) == 1 for sides in blocks.values())
    assert len(blocks) == (2 if kind == "short" else 1)
    for at in (DELETION, INSERTION, TWO_ALTS):
        assert at in phased
    assert {p: s["GT"] for p, (_, s) in phased_of(gvcf).items()}.keys() == phased.keys()
    assert [s["PS"] for _, s in phased_of(gvcf).values()] == [s["PS"] for _, s in phased.values()]


@pytest.mark.parametrize("cuts", [(4_200,), (1_000, 2_012, 3_000, 4_007, 4_008, 6_500)], ids=["two", "seven"])
def test_shards_do_not_show(inputs, tmp_path, cuts):
    whole = call(tmp_path, inputs, "whole")
    shards = [
        call(tmp_path, inputs, f"s{a}", Region(CONTIG, a, b), evidence=True)
        for a, b in itertools.pairwise([0, *cuts, LENGTH_BP])
    ]
    for kind in (0, 1):
        merged = tmp_path / f"merged{kind}.vcf.gz"
        merge_shards([s[kind] for s in shards], merged, evidence=[s[2] for s in reversed(shards)])
        assert merged.read_bytes() == whole[kind].read_bytes()
        assert Path(f"{merged}.tbi").read_bytes() == Path(f"{whole[kind]}.tbi").read_bytes()


def test_least_quality_means_the_same_in_call_and_merge(inputs, tmp_path):
    """A shard's evidence says how it is to be phased, and `merge` phases so."""
    few = {"reads_config": ReadsConfig(max_depth=7)} if inputs[1] == "short" else {}
    strict = {"phase": PhaseConfig(min_quality_phred=99), **few}
    whole, usual = call(tmp_path, inputs, "whole", **strict), call(tmp_path, inputs, "usual", **few)
    shards = [
        call(tmp_path, inputs, f"s{a}", Region(CONTIG, a, b), evidence=True, **strict)
        for a, b in ((0, 3_500), (3_500, LENGTH_BP))
    ]
    for kind in (0, 1):
        merged = tmp_path / f"merged{kind}.vcf.gz"
        merge_shards([s[kind] for s in shards], merged, evidence=[s[2] for s in shards])
        assert merged.read_bytes() == whole[kind].read_bytes()
    kept = phased_of(whole[1])
    assert 0 < len(kept) < len(phased_of(usual[1]))
    assert {sample["PQ"] for _, sample in kept.values()} == {"99"}


@pytest.mark.parametrize("threads", [1, 2], ids=str)
def test_chunks_do_not_show(inputs, tmp_path, threads):
    whole = call(tmp_path, inputs, "whole")
    config = ShardConfig(max_chunk_bp=797, min_chunk_bp=100, batch_examples=20, threads=threads)
    other = call(tmp_path, inputs, "other", shard_config=config)
    assert [path.read_bytes() for path in whole[:2]] == [path.read_bytes() for path in other[:2]]


def test_records_are_those_without_phase(inputs, tmp_path):
    phased, plain = call(tmp_path, inputs, "phased"), call(tmp_path, inputs, "plain", phase=None)
    for a, b in zip(phased[:2], plain[:2], strict=True):
        with gzip.open(a, "rt") as one, gzip.open(b, "rt") as other:
            lines = [line for line in one if not line.startswith(("##FORMAT=<ID=PS", "##FORMAT=<ID=PQ"))]
            expected = list(other)
        assert len(lines) == len(expected)
        for x, y in zip(lines, expected, strict=True):
            if x.split("\t")[8:9] and x.split("\t")[8].endswith(":PS:PQ"):
                fields, sample = x.rstrip("\n").split("\t"), x.rstrip("\n").split("\t")[9].split(":")
                sample[0] = "/".join(sorted(sample[0].split("|"), key=int))
                x = "\t".join([*fields[:8], fields[8][: -len(":PS:PQ")], ":".join(sample[:-2])]) + "\n"
            assert x == y


def test_merge_wants_the_evidence_of_its_shards(inputs, tmp_path):
    left = call(tmp_path, inputs, "left", Region(CONTIG, 0, 4_000), evidence=True)
    right = call(tmp_path, inputs, "right", Region(CONTIG, 4_000, LENGTH_BP), evidence=True)
    done = call(tmp_path, inputs, "done", Region(CONTIG, 0, 4_000))
    out = tmp_path / "out.vcf.gz"
    with pytest.raises(DeepcohortError, match="is not phased yet"):
        merge_shards([left[0], right[0]], out)
    with pytest.raises(InputProblems, match=r"no phase evidence answers for c:4001-9000"):
        merge_shards([left[0], right[0]], out, evidence=[left[2]])
    with pytest.raises(InputProblems, match=r"which no input does"):
        merge_shards([left[0]], out, evidence=[left[2], right[2]])
    with pytest.raises(InputProblems, match=r"overlap"):
        merge_shards([left[0]], out, evidence=[left[2], left[2]])
    with pytest.raises(DeepcohortError, match="does not wait to be phased"):
        merge_shards([done[0]], out, evidence=[left[2]])
    with pytest.raises(InputProblems, match="headers of"):
        merge_shards([done[0], right[0]], out)
    assert not out.exists()
    listed = tmp_path / "list.txt"
    listed.write_text(f"{left[2]}\n{right[2]}\n")
    assert merge_files([left[0], right[0]], None, out, None, evidence_list=listed) > 0


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
def test_bcftools_reads_phase(inputs, tmp_path):
    gvcf, vcf, _ = call(tmp_path, inputs, "x")
    for path in (gvcf, vcf):
        done = subprocess.run(
            ["bcftools", "query", "-i", 'GT="het"', "-f", "[%GT %PS %PQ]\n", path],
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        assert sum("|" in line for line in done.stdout.splitlines()) == len(phased_of(path))
