"""Reads to gVCF, end to end: what must not show in the output, and the odd inputs."""

import gzip
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.calls.merge import merge_shards
from deepcohort.calls.ploidy import PloidyMap
from deepcohort.compose.call_setup import CallRequest, chosen_regions, make_job
from deepcohort.compose.call_shard import (
    CallJob,
    ChunkPlan,
    ShardConfig,
    call_shard,
    genome_order,
    rows_needed,
)
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.paralogs.find import find_paralogs
from naive_predictor import NaivePredictor

WHOLE = Region(CONTIG, 0, LENGTH_BP)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """(reference, BAM, truth) of a small genome with known variants."""
    reference, bams, truth = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return reference, bams[0], truth


def run(folder, reference, bam, regions=(WHOLE,), name="x", predictor=None, **settings):
    """Call; paths of the gVCF and the VCF."""
    gvcf, vcf = folder / f"{name}.g.vcf.gz", folder / f"{name}.vcf.gz"
    job = CallJob([bam], reference, list(regions), "S", gvcf, vcf, **settings)
    call_shard(job, predictor or NaivePredictor(), quiet=True)
    return gvcf, vcf


def records(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def called(path):
    return [(int(x[1]), x[3], x[4], x[9].split(":")[0]) for x in records(path)]


def make_inputs(folder, reference_text, sam_lines, contig="c"):
    """Reference and BAM of SAM text without header."""
    reference = folder / "r.fa"
    reference.write_text(f">{contig}\n{reference_text}\n")
    pysam.faidx(str(reference))
    sam = folder / "x.sam"
    header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{contig}\tLN:{len(reference_text)}\n@RG\tID:1\tSM:S\n"
    sam.write_text(header + "".join(line + "\n" for line in sam_lines))
    bam = folder / "x.bam"
    with pysam.AlignmentFile(str(sam)) as source, pysam.AlignmentFile(str(bam), "wb", template=source) as out:
        for record in source:
            out.write(record)
    pysam.index(str(bam))
    return reference, bam


def sam_line(name, pos, cigar, seq, contig="c", flag=0):
    return f"{name}\t{flag}\t{contig}\t{pos}\t60\t{cigar}\t*\t0\t0\t{seq}\t{'I' * len(seq)}\tRG:Z:1"


def test_planted_variants_are_called(inputs, tmp_path):
    reference, bam, truth = inputs
    _, vcf = run(tmp_path, reference, bam)
    found = {(pos, ref, alt): tuple(sorted(gt.split("/"))) for pos, ref, alt, gt in called(vcf)}
    with pysam.VariantFile(str(truth)) as file:
        wanted = {(r.pos, r.ref, r.alts[0]): tuple(sorted(str(a) for a in r.samples[0]["GT"])) for r in file}
    assert found == wanted


@pytest.mark.parametrize(
    "config",
    [
        ShardConfig(max_chunk_bp=997, min_chunk_bp=100),
        ShardConfig(max_chunk_bp=3_000, batch_examples=1),
        ShardConfig(max_chunk_bp=1_500, batch_examples=100_000, threads=2),
        ShardConfig(max_chunk_bp=5_000, min_chunk_bp=50, chunk_bases=2_000),
    ],
)
def test_chunks_and_threads_do_not_show(inputs, tmp_path, config):
    reference, bam, _ = inputs
    one = run(tmp_path, reference, bam, name="one")
    other = run(tmp_path, reference, bam, name="other", shard_config=config)
    for a, b in zip(one, other, strict=True):
        assert a.read_bytes() == b.read_bytes()
        assert Path(f"{a}.tbi").read_bytes() == Path(f"{b}.tbi").read_bytes()


# cuts inside deletions, at variants, next to each other
@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize(
    "cuts", [(3_002,), (2_000, 2_001), (6_001, 6_015, 6_030), (1_000, 3_001, 5_004, 7_010)]
)
def test_shards_do_not_show(inputs, tmp_path, cuts, placed):
    reference, bam, _ = inputs
    links = find_paralogs(reference, quiet=True)[0] if placed else {}
    assert placed == bool(links)
    whole = run(tmp_path, reference, bam, name="whole", paralogs=links)
    edges = [0, *cuts, LENGTH_BP]
    shards = [
        run(tmp_path, reference, bam, [Region(CONTIG, a, b)], name=f"s{a}", paralogs=links)
        for a, b in pairwise(edges)
    ]
    for kind, expected in enumerate(whole):
        merged = tmp_path / f"merged{kind}.vcf.gz"
        merge_shards([pair[kind] for pair in reversed(shards)], merged, [WHOLE])
        assert merged.read_bytes() == expected.read_bytes()
        assert Path(f"{merged}.tbi").read_bytes() == Path(f"{expected}.tbi").read_bytes()


def is_block(fields):
    return fields[4] == "<NON_REF>"


def test_gvcf_covers_every_base_once(inputs, tmp_path):
    reference, bam, _ = inputs
    gvcf, _ = run(tmp_path, reference, bam)
    expected = 1
    for x in records(gvcf):
        assert int(x[1]) <= expected
        if is_block(x):
            assert int(x[1]) == expected
            expected = int(x[7].split(";")[0][4:]) + 1
        else:
            expected = max(expected, int(x[1]) + len(x[3]))
    assert expected == LENGTH_BP + 1


def test_region_without_reads(tmp_path):
    reference, bam = make_inputs(tmp_path, "NNNNN" + "ACGT" * 100, [])
    gvcf, vcf = run(tmp_path, reference, bam, [Region("c", 0, 405)])
    assert [x[:2] + x[3:5] + x[7:] for x in records(gvcf)] == [
        ["c", "1", "N", "<NON_REF>", "END=405", "GT:GQ:DP:MIN_DP:PL", "./.:0:0:0:0,0,0"]
    ]
    assert records(vcf) == []
    with pysam.VariantFile(str(vcf)) as file:
        assert list(file.header.samples) == ["S"]


def test_haploid_regions(inputs, tmp_path):
    reference, bam, _ = inputs
    ploidy = PloidyMap(2, ((Region(CONTIG, 3_500, 4_500), 1), (Region(CONTIG, 4_500, 5_500), 0)))
    gvcf, vcf = run(tmp_path, reference, bam, ploidy=ploidy)
    genotypes = {pos: gt for pos, _, _, gt in called(vcf)}
    assert genotypes[4_001] == "1"
    assert genotypes[2_001] == "0/1"
    assert not any(4_501 <= pos <= 5_500 for pos in genotypes)
    haploid = [x for x in records(gvcf) if 3_501 <= int(x[1]) <= 4_500]
    assert {x[9].split(":")[0] for x in haploid} <= {"0", "1"}
    keyed = [
        dict(zip(x[8].split(":"), x[9].split(":"), strict=True)) | {"block": is_block(x)} for x in haploid
    ]
    assert all(x["PL"].count(",") == (1 if x["block"] else 2) for x in keyed)
    assert [x[9] for x in records(gvcf) if x[7].split(";")[0] == "END=5500"] == ["./.:0:0:0:0,0,0"]


def test_deletion_at_the_first_bases(tmp_path):
    rng = np.random.default_rng(5)
    text = "".join(rng.choice(list("ACGT"), 300))
    whole, short = text[:80], text[0] + text[4:84]
    lines = [sam_line(f"a{i}", 1, "80M", whole) for i in range(12)]
    lines += [sam_line(f"b{i}", 1, "1M3D80M", short) for i in range(12)]
    reference, bam = make_inputs(tmp_path, text, lines)
    gvcf, vcf = run(tmp_path, reference, bam, [Region("c", 0, 300)])
    (record,) = records(vcf)
    assert record[1:5] == ["1", ".", text[:4], text[0]]
    assert record[9].startswith("0/1:")
    assert [x[1] for x in records(gvcf)][:2] == ["1", "5"]  # no block beside the bases that may be deleted
    for x in records(gvcf):
        assert text[int(x[1]) - 1 :].startswith(x[3])


def test_failure_leaves_nothing(inputs, tmp_path):
    reference, bam, _ = inputs

    class Broken(NaivePredictor):
        def predict_lazily(self, features, pixels_of):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(tmp_path, reference, bam, predictor=Broken())
    assert list(tmp_path.iterdir()) == []


def test_chunks_follow_depth():
    plan = ChunkPlan(
        [Region("c", 0, 100_000)], ShardConfig(max_chunk_bp=8_000, min_chunk_bp=100, chunk_bases=60_000)
    )

    class Chunk:
        def __init__(self, region, depth):
            self.region, self.n_bases = region, depth * len(region)

    lengths = []
    for region in plan:
        lengths.append(len(region))
        plan.learn(Chunk(region, 10 if region.start < 30_000 else 600))
    assert sum(lengths) == 100_000
    assert lengths[:4] == [1_000, 2_000, 4_000, 6_000]
    assert min(lengths) == 100


def test_rows_needed_follows_overlaps():
    from deepcohort.candidates.types import CandidateTable

    reference = encode_bases("ACGT" * 300)
    pos = np.array([100, 395, 398, 405, 600], dtype=np.int64)
    ref_len = np.array([1, 9, 1, 1, 1], dtype=np.int32)
    alts = [(reference[p] + 1) % 4 if n == 1 else reference[p] for p, n in zip(pos, ref_len, strict=True)]
    table = CandidateTable(
        "c", pos, ref_len, np.array(alts, dtype=np.uint8), np.arange(6, dtype=np.int64), np.zeros(5, np.int32),
        np.zeros((5, 2), np.int32), np.zeros(5, bool),
    )  # fmt: skip
    around = Region("c", 0, 1_000)
    rows, cut = rows_needed(table, Region("c", 400, 500), around, 1_200, reference, 0, margin_bp=50)
    # the deletion at 395 reaches in, and the SNP at 398 lies under it
    assert rows.tolist() == [1, 2, 3]
    assert not cut
    _, cut = rows_needed(
        table, Region("c", 400, 500), Region("c", 380, 1_000), 1_200, reference, 0, margin_bp=50
    )
    assert cut


def test_genome_order():
    regions = [Region("a", 0, 4), Region("b", 2, 4), Region("b", 0, 2)]
    assert genome_order(regions, ["b", "a"]) == [Region("b", 0, 4), Region("a", 0, 4)]


def test_chosen_regions(tmp_path):
    lengths = {"a": 100, "b": 50}
    assert chosen_regions(lengths, [], None) == [Region("a", 0, 100), Region("b", 0, 50)]
    bed = tmp_path / "x.bed"
    bed.write_text("a\t10\t20\nb\t0\t5\n")
    assert chosen_regions(lengths, ["a:15-30"], bed) == [Region("a", 14, 20)]
    with pytest.raises(DeepcohortError, match="no base in common"):
        chosen_regions(lengths, ["a:50-60"], bed)
    with pytest.raises(InputProblems) as caught:
        chosen_regions(lengths, ["c", "a:0-5"], None)
    assert len(caught.value.problems) == 2


def test_all_argument_problems_at_once(tmp_path):
    request = CallRequest(
        reads=(tmp_path / "no.bam",),
        reference=tmp_path / "no.fa",
        gvcf=tmp_path / "nowhere" / "x.g.vcf",
        platform="solid",
        device="tpu",
        sample="a\tb",
    )
    with pytest.raises(InputProblems) as caught:
        make_job(request)
    text = str(caught.value)
    for word in ("solid", "tpu", "nowhere", ".gz", "no.fa", "U+0009"):
        assert word in text
    with pytest.raises(InputProblems, match="nothing to write"):
        make_job(replace(request, gvcf=None))


def test_command_line_passes_its_options(monkeypatch, tmp_path):
    from deepcohort.cli.call import app
    from deepcohort.compose import call_run
    from typer.testing import CliRunner

    seen = []
    monkeypatch.setattr(call_run, "run_call", seen.append)
    arguments = "--reads a.bam --reads b.bam --reference r.fa --region c:1-9 --sample S --gvcf o.g.vcf.gz --no-cascade"
    assert CliRunner().invoke(app, [*arguments.split(), "--sex", "XY", "--profile-stages"]).exit_code == 0
    (request,) = seen
    assert request.reads == (Path("a.bam"), Path("b.bam"))
    assert (request.region, request.sample, request.cascade, request.sex) == (("c:1-9",), "S", False, "XY")
    assert request.profile_stages
    assert request.vcf is None


@pytest.mark.parametrize(("mapq", "told"), [(0, "have MAPQ 0,"), (3, "have a MAPQ below 5,"), (60, "")])
def test_reads_of_low_mapq_alone_are_told(mapq, told, tmp_path, capsys):
    from deepcohort.compose.call_run import run_call

    text = "".join(np.random.default_rng(3).choice(list("ACGT"), 500))
    lines = [
        f"r{k}\t0\tc\t{100 + k}\t{mapq}\t100M\t*\t0\t0\t{text[99 + k : 199 + k]}\t{'I' * 100}\tRG:Z:1"
        for k in range(20)
    ]
    reference, bam = make_inputs(tmp_path, text, lines)
    shipped_model()
    run_call(CallRequest(reads=(bam,), reference=reference, vcf=tmp_path / "x.vcf.gz", quiet=True))
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert [f"all in the regions {told}" in line for line in lines] == [True] * bool(told)


def shipped_model():
    from deepcohort.model.archive import find_model

    try:
        return find_model("auto", "illumina")
    except DeepcohortError:
        pytest.skip("no model is shipped")


def test_cpu_path_never_imports_torch(inputs, tmp_path):
    shipped_model()
    reference, bam, _ = inputs
    code = (
        "import sys\nfrom deepcohort.cli import main\n"
        f"sys.argv = ['deepcohort', 'call', '--reads', {str(bam)!r}, '--reference', {str(reference)!r}, "
        f"'--gvcf', {str(tmp_path / 'x.g.vcf.gz')!r}, '--device', 'cpu', '--quiet', '--profile-json', "
        f"{str(tmp_path / 'p.json')!r}]\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "heavy = {'torch', 'pytorch_lightning', 'onnx', 'optuna', 'matplotlib', 'scipy.linalg'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert '"stages"' in (tmp_path / "p.json").read_text()
    # the sample's name came from the reads' header
    assert b"person0" in gzip.decompress((tmp_path / "x.g.vcf.gz").read_bytes())


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
def test_bcftools_finds_nothing_wrong(inputs, tmp_path):
    reference, bam, _ = inputs
    for path in run(tmp_path, reference, bam):
        view = subprocess.run(["bcftools", "view", path], capture_output=True, text=True, check=True)
        assert view.stderr == ""
        norm = subprocess.run(
            ["bcftools", "norm", "--check-ref", "e", "-f", reference, path],
            capture_output=True,
            text=True,
            check=True,
        )
        body = [line for line in norm.stdout.splitlines() if not line.startswith("#")]
        assert body == ["\t".join(x) for x in records(path)]  # left-aligned and parsimonious as written
    convert = ["bcftools", "convert", "--gvcf2vcf", "-f", reference, tmp_path / "x.g.vcf.gz"]
    assert subprocess.run(convert, capture_output=True, text=True, check=True).returncode == 0


GATK = os.environ.get("GATK") or shutil.which("gatk")


@pytest.mark.slow
@pytest.mark.skipif(GATK is None, reason="no GATK launcher on PATH or in the variable GATK")
def test_gatk_finds_nothing_wrong(inputs, tmp_path):
    """ValidateVariants, CombineGVCFs and GenotypeGVCFs take our gVCFs."""
    reference, bam, _ = inputs
    with pysam.FastaFile(str(reference)) as fasta:
        lines = [f"@SQ\tSN:{n}\tLN:{k}" for n, k in zip(fasta.references, fasta.lengths, strict=True)]
    reference.with_suffix(".dict").write_text("\n".join(["@HD\tVN:1.6", *lines]) + "\n")

    def gatk(tool, *options):
        done = subprocess.run([GATK, tool, "-R", reference, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]

    ploidy = PloidyMap(2, ((Region(CONTIG, 3_500, 4_500), 1),))
    gvcf, vcf = run(tmp_path, reference, bam, name="a", ploidy=ploidy)
    gatk("ValidateVariants", "-V", gvcf, "-gvcf")
    gatk("ValidateVariants", "-V", vcf)
    whole, _ = run(tmp_path, reference, bam, name="b")
    combined, joint = tmp_path / "combined.g.vcf.gz", tmp_path / "joint.vcf.gz"
    gatk("CombineGVCFs", "-V", whole, "-O", combined)
    gatk("GenotypeGVCFs", "-V", combined, "-O", joint)
    # the deletion, the insertion and the SNPs of this person come out again
    assert {x[1] for x in records(joint)} >= {"2001", "3001", "4001", "5005", "6001"}


def test_real_reads_agree_with_a_published_caller(shared_data, tmp_path):
    """Genotypes on 10 kb of NA12878 beside those of DeepVariant 1.9."""
    from deepcohort.model.load import load_predictor

    shipped_model()
    folder = shared_data / "na12878_illumina_52x"
    golden = {}
    for line in (folder / "deepvariant_1.9.golden.vcf").read_text().splitlines():
        x = line.split("\t")
        if not line.startswith("#") and x[6] == "PASS":
            golden[int(x[1])] = (
                x[3],
                x[4],
                "/".join(sorted(x[9].split(":")[0].replace("|", "/").split("/"))),
            )
    region = Region("chr20", min(golden) - 1, max(golden))
    predictor = load_predictor(device="cpu")
    gvcf, vcf = run(
        tmp_path, folder / "hg19.chr20.fa.gz", folder / "NA12878.bam", [region], predictor=predictor,
        pileup_config=predictor.config,
    )  # fmt: skip
    ours = {pos: (ref, alt, gt) for pos, ref, alt, gt in called(vcf)}
    same = sum(ours.get(pos) == value for pos, value in golden.items())
    assert same >= 0.9 * len(golden)
    with pysam.VariantFile(str(gvcf)) as file:
        assert sum(1 for _ in file) > len(golden)
