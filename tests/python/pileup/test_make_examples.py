"""Reads and truth to example folders, whole; and the command around it."""

from dataclasses import replace

import numpy as np
import pysam
import pytest
from deepcohort.compose.make_examples import ExamplesConfig, _touched, make_examples
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.pileup.features import F
from deepcohort.pileup.shards import Examples, open_examples
from typer.testing import CliRunner

LENGTH = 6000
SNPS = {1000: "hom", 2500: "het", 4000: "het"}  # the last is outside the confident regions
CONFIG = ExamplesConfig(augment=False, chunk_bp=2500, n_buckets=2)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A diploid sample: 30 reads deep, one hom and two het SNPs, a systematic error in three reads."""
    root = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(4)
    reference = "".join(rng.choice(list("ACGT"), LENGTH))
    (root / "ref.fa").write_text(">c\n" + reference + "\n")
    pysam.faidx(str(root / "ref.fa"))
    other = {p: "ACGT"[("ACGT".index(reference[p]) + 1) % 4] for p in (*SNPS, 3300)}
    lines = ["@HD\tVN:1.6\tSO:coordinate", f"@SQ\tSN:c\tLN:{LENGTH}", "@RG\tID:a\tSM:s"]
    rows = []
    for k in range(30 * LENGTH // 100):
        pos = int(rng.integers(0, LENGTH - 100))
        seq = list(reference[pos : pos + 100])
        for p, kind in SNPS.items():
            if pos <= p < pos + 100 and (kind == "hom" or k % 2):
                seq[p - pos] = other[p]
        if pos <= 3300 < pos + 100 and k % 6 == 0:
            seq[3300 - pos] = other[3300]
        rows.append((pos, k, "".join(seq)))
    for pos, k, seq in sorted(rows):
        lines.append(f"r{k}\t{16 * (k % 2)}\tc\t{pos + 1}\t60\t100M\t*\t0\t0\t{seq}\t{'I' * 100}\tRG:Z:a")
    (root / "a.sam").write_text("\n".join(lines) + "\n")
    pysam.view("-b", "-o", str(root / "a.bam"), str(root / "a.sam"), catch_stdout=False)
    pysam.index(str(root / "a.bam"))
    vcf = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID=c,length={LENGTH}>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts",
    ]
    for p, kind in SNPS.items():
        gt = "1/1" if kind == "hom" else "0/1"
        vcf.append(f"c\t{p + 1}\t.\t{reference[p]}\t{other[p]}\t.\t.\t.\tGT\t{gt}")
    (root / "t.vcf").write_text("\n".join(vcf) + "\n")
    pysam.tabix_index(str(root / "t.vcf"), preset="vcf", force=True)
    (root / "known.bed").write_text("c\t100\t3900\n")
    return root


def made(inputs, output, config=CONFIG, **kind):
    kind = {"confident": inputs / "known.bed", **kind}
    return make_examples(
        [inputs / "a.bam"], inputs / "ref.fa", inputs / "t.vcf.gz", kind.pop("confident"), output,
        config=config, quiet=True, **kind,
    )  # fmt: skip


def all_of(folder):
    opened = open_examples([folder])
    examples = Examples.concatenate(list(opened.read_all()), opened.config)
    return examples.take(np.argsort(examples.pos, kind="stable"))


def test_labels_and_places(inputs, tmp_path):
    assert made(inputs, tmp_path / "ex") == (1, 1, 1)
    examples = all_of(tmp_path / "ex")
    assert examples.pos.tolist() == [1000, 2500, 3300]
    assert examples.label.tolist() == [2, 1, 0]
    assert examples.features[0, F.vaf] == 1
    assert 0.3 < examples.features[1, F.vaf] < 0.7
    assert (examples.pixels > 0).any(axis=(1, 2, 3)).all()


def test_without_confident_regions_all_is_known(inputs, tmp_path):
    assert made(inputs, tmp_path / "ex", confident=None) == (1, 2, 1)


def test_regions_limit_the_work(inputs, tmp_path):
    made(inputs, tmp_path / "ex", regions=[Region("c", 900, 1100)])
    assert all_of(tmp_path / "ex").pos.tolist() == [1000]


def test_passes_draw_other_coverage_and_are_repeatable(inputs, tmp_path):
    config = replace(CONFIG, augment=True, passes=6)
    made(inputs, tmp_path / "a", config)
    made(inputs, tmp_path / "b", config)
    a, b = all_of(tmp_path / "a"), all_of(tmp_path / "b")
    np.testing.assert_array_equal(a.features, b.features)
    depth = np.expm1(4 * a.features[a.pos == 1000, F.depth_log])
    assert len(np.unique(depth.round())) > 1
    assert depth.min() < 25


def test_stretches_do_not_show(inputs, tmp_path):
    made(inputs, tmp_path / "a")
    made(inputs, tmp_path / "b", replace(CONFIG, chunk_bp=50_000))
    a, b = all_of(tmp_path / "a"), all_of(tmp_path / "b")
    np.testing.assert_array_equal(a.pixels, b.pixels)
    np.testing.assert_array_equal(a.stretch, b.stretch)


def test_nothing_to_learn_is_one_line(inputs, tmp_path):
    with pytest.raises(DeepcohortError, match="no labelled candidate"):
        made(inputs, tmp_path / "ex", regions=[Region("c", 200, 400)])
    assert not (tmp_path / "ex" / "examples.json").exists()
    with pytest.raises(DeepcohortError, match="share no stretch"):
        made(inputs, tmp_path / "ex2", regions=[Region("c", 5000, 5500)])


def test_command_passes_its_options_on(inputs, tmp_path, monkeypatch):
    import deepcohort.compose.make_examples as library
    from deepcohort.cli.examples import app

    seen = {}

    def fake(reads, reference, truth, confident, output, regions, sample, config, quiet):
        seen.update(reads=reads, regions=regions, sample=sample, config=config)
        return 1, 2, 3

    monkeypatch.setattr(library, "make_examples", fake)
    words = ["--reads", inputs / "a.bam", "--reference", inputs / "ref.fa", "--truth", inputs / "t.vcf.gz"]
    words += ["--output", tmp_path / "o", "--passes", 4, "--no-augment", "--platform", "hifi"]
    words += ["--region", "c:101-200", "--seed", 9, "--sample", "s"]
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    assert "6 examples" in done.output
    assert seen["regions"] == [Region("c", 100, 200)]
    config = seen["config"]
    assert (config.passes, config.augment, config.platform, config.seed) == (4, False, "hifi", 9)
    assert config.augmentation.keep_quality < 1
    words = words[: words.index("--no-augment")]
    assert CliRunner().invoke(app, [str(w) for w in [*words, "--set", "clipped=0"]]).exit_code == 0
    assert seen["config"].library.clipped == 0
    done = CliRunner().invoke(app, [*map(str, words[:8]), "--natural"])
    assert done.exit_code == 0, done.output
    assert seen["config"].augment
    assert seen["config"].augmentation.keep_quality == 1


def test_regions_that_overlap_are_used_once(tmp_path):
    """Their examples stood there twice."""
    from deepcohort.cli.examples import _chosen_regions

    reference = tmp_path / "x.fa"
    reference.write_text(f">c\n{'ACGT' * 300}\n")
    pysam.faidx(str(reference))
    assert _chosen_regions(reference, None, ["c:500-900", "c:1-600"]) == [Region("c", 0, 900)]
    apart = ["c:500-900", "c:1-100"]  # stay in the order given, which is that of the examples
    assert _chosen_regions(reference, None, apart) == [Region("c", 499, 900), Region("c", 0, 100)]


def test_pieces_of_the_genome_that_confident_regions_touch():
    known = [Region("1", 100, 200), Region("1", 300, 310)]
    ends = [(0, 100), (0, 101), (199, 200), (200, 300), (305, 306), (310, 400)]
    assert [_touched(known, Region("1", *end)) for end in ends] == [False, True, True, False, True, False]
