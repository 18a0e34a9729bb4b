"""The scan: windows, phase, likelihoods, bad input, the command."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.cli import app
from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import read_config
from deepcohort.popgen.archive import read_pop_model
from deepcohort.popgen.config import train_defaults
from deepcohort.popgen.io_scan import ContigGenotypes
from deepcohort.popgen.scan import scan, windows_of
from deepcohort.popgen.scan_output import write_scan
from deepcohort.popgen.shards import make_loci
from popgen_builders import records_of, vcf_text
from typer.testing import CliRunner


def contig(positions, length):
    pos = np.array(positions, np.int64)
    empty = np.zeros((len(pos), 0), bool)
    return ContigGenotypes("c", length, pos, np.zeros((len(pos), 0, 2), np.int8), empty, None, None)


def spans(positions, length, window=100, step=50):
    return [(w.start, w.end, w.last - w.first) for w in windows_of(contig(positions, length), window, step)]


def test_windows():
    assert spans([5, 150], 199) == [(0, 199, 2)]
    assert spans([5, 150], 200) == [(0, 100, 1), (50, 150, 0), (100, 200, 1)]
    # the stretch with SNPs only; the last window ends with the contig
    assert spans([1_020, 1_180], 1_190) == [(950, 1050, 1), (1000, 1100, 1), (1050, 1150, 0), (1090, 1190, 1)]


@pytest.fixture(scope="module")
def cohort(small_run):
    """Four loci end to end on one contig, the third under selection, and the model."""
    made, result, _ = small_run
    loci = make_loci(made.task, 1_234, range(40))
    order = [int(i) for i in np.flatnonzero(loci.label == 0)[:3]]
    order.insert(2, int(np.flatnonzero(loci.label == 1)[3]))
    records = []
    for k, i in enumerate(order):
        locus = loci.locus(i)
        records += records_of(locus.alleles, locus.positions, "|", 20_000 * k)
    return read_pop_model(result.model), sorted(records)


def write(tmp_path, contigs, n=6, extra=""):
    path = tmp_path / "cohort.vcf"
    path.write_text(vcf_text(contigs, n, extra))
    return path


@pytest.mark.parametrize("sign", ["|", "/"])
def test_selection_planted_in_a_contig_is_found(tmp_path, cohort, sign):
    model, records = cohort
    genotypes = [(pos, [g.replace("|", sign) for g in row]) for pos, row in records]
    found = scan(write(tmp_path, {"chr1": (80_000, genotypes)}), model, step_bp=20_000, quiet=True)
    assert [(w.start, w.end) for w in found.windows] == [(k * 20_000, k * 20_000 + 20_000) for k in range(4)]
    assert int(found.judgement.p[:, 1].argmax()) == 2
    write_scan(tmp_path / "out", found, model)
    lines = (tmp_path / "out" / "windows.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["contig", "start", "end", "n_snps", "p_neutral", "p_overdominance"]
    assert len(lines) == 5
    assert lines[3].split("\t")[:3] == ["chr1", "40000", "60000"]
    summary = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert summary["judged"] == 4
    details = (tmp_path / "out" / "details.tsv").read_text().splitlines()
    assert len(details[0].split("\t")) == len(details[1].split("\t"))
    assert (tmp_path / "out" / "scan.html").read_text().count("<img") == 4
    assert "p_" not in (tmp_path / "out" / "windows.bed").read_text()


def test_short_and_haploid_contigs_and_missing_genotypes(tmp_path, cohort):
    model, records = cohort
    first = [(pos, row) for pos, row in records if pos < 20_000]
    haploid = [(pos, [g[0] for g in row]) for pos, row in first]
    holes = [
        (pos, ["./." if (pos + i) % 5 == 0 else g.replace("|", "/") for i, g in enumerate(row)])
        for pos, row in first
    ]
    path = write(tmp_path, {"short": (30_000, first), "Y": (25_000, haploid), "holes": (20_001, holes)})
    found = scan(path, model, quiet=True)
    assert [(w.contig, w.start, w.end) for w in found.windows] == [
        ("short", 0, 30_000), ("Y", 0, 25_000), ("holes", 0, 20_001),
    ]  # fmt: skip
    assert found.judged.all()
    assert np.isfinite(found.judgement.p).all()


def test_empty_windows_are_told_and_not_judged(tmp_path, cohort):
    model, records = cohort
    gap = [r for r in records if not 20_000 <= r[0] < 60_000]
    found = scan(write(tmp_path, {"c": (80_000, gap)}), model, quiet=True)
    assert not found.judged.all()
    assert any("fewer than 5 SNPs: not judged" in line for line in found.notes)
    write_scan(tmp_path / "out", found, model)
    assert "\tnan\tnan" in (tmp_path / "out" / "windows.tsv").read_text()


def test_other_sample_sizes_are_adapted_to_and_told(tmp_path, cohort):
    model, records = cohort
    more = [(pos, row + row) for pos, row in records]
    found = scan(write(tmp_path, {"c": (80_000, more)}, 12), model, quiet=True)
    assert any("6 of 12 samples stand for all" in line for line in found.notes)
    fewer = [(pos, row[:4]) for pos, row in records]
    found = scan(write(tmp_path, {"c": (80_000, fewer)}, 4), model, quiet=True)
    assert any("4 samples instead of the 6" in line for line in found.notes)
    with pytest.raises(DeepcohortError, match="needs at least 4"):
        scan(write(tmp_path, {"c": (80_000, [(p, r[:2]) for p, r in records])}, 2), model, quiet=True)


def test_likelihoods_are_used_where_depth_is_low(tmp_path, cohort):
    model, records = cohort
    head = '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="x">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">'
    likely = {0: "0,30,300", 1: "30,0,30", 2: "300,30,0"}
    text = vcf_text({"c": (80_000, records)}, 6, head)
    out = []
    for line in text.splitlines():
        words = line.split("\t")
        if not line.startswith("#"):
            words[8] = "GT:DP:PL"
            words[9:] = [f"./.:4:{likely[g.count('1')]}" for g in words[9:]]
        out.append("\t".join(words))
    path = tmp_path / "pl.vcf"
    path.write_text("\n".join(out) + "\n")
    found = scan(path, model, quiet=True)
    assert found.judged.all()
    assert not found.features[:, model.about["statistics"].index("phased")].any()
    with pytest.raises(DeepcohortError, match="no window has 5"):
        scan(path, model, source="gt", quiet=True)
    with pytest.raises(DeepcohortError, match="has no PL"):
        scan(write(tmp_path, {"c": (80_000, records)}), model, source="pl", quiet=True)


@pytest.mark.parametrize("suffix", [".vcz", ".vcz.zip"])
def test_vcf_zarr_gives_what_the_vcf_gives(tmp_path, cohort, suffix):
    converter = pytest.importorskip("bio2zarr.vcf", reason="bio2zarr is not installed")
    model, records = cohort
    head = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">\n##FILTER=<ID=bad,Description="x">'
    missing = [(pos, ["./.", *row[1:]] if pos % 7 == 0 else row) for pos, row in records]
    first = [r for r in missing if r[0] < 20_000]
    text = vcf_text({"a": (80_000, missing), "b": (20_001, first)}, 6, head).splitlines()
    rows = [i for i, line in enumerate(text) if not line.startswith("#")]
    words = [text[i].split("\t") for i in rows]
    words[3][6], words[5][4], words[7][3] = "bad", "C,G", "AC"  # none of these counts
    for i, w in zip(rows, words, strict=True):
        text[i] = "\t".join([*w[:8], "GT:DP", *(f"{g}:30" for g in w[9:])])
    plain, packed = tmp_path / "c.vcf", tmp_path / "c.vcf.gz"
    plain.write_text("\n".join(text) + "\n")
    pysam.tabix_compress(str(plain), str(packed))
    pysam.tabix_index(str(packed), preset="vcf")
    store = tmp_path / f"cohort{suffix}"
    converter.convert([packed], store, variants_chunk_size=50, worker_processes=0)
    (tmp_path / "list").write_text("S1\nS3\nS4\nS0\n")
    for samples in (None, tmp_path / "list"):
        one, two = (scan(path, model, samples, quiet=True) for path in (packed, store))
        assert one.windows == two.windows
        assert one.samples == two.samples
        assert np.array_equal(one.features, two.features)
        assert np.array_equal(one.judgement.p, two.judgement.p)
    (tmp_path / "list").write_text("Nobody\n")
    with pytest.raises(DeepcohortError, match="has no sample Nobody"):
        scan(store, model, tmp_path / "list", quiet=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeepcohortError, match="neither a VCF nor VCF Zarr"):
        scan(tmp_path / "empty", model, quiet=True)


def test_vcf_zarr_without_zarr_is_told_in_one_line(tmp_path, cohort, monkeypatch):
    (tmp_path / "x.vcz").mkdir()
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(
        DeepcohortError,
        match=r"zarr, which is not installed here; run: make setup, or: pip install 'deepcohort\[export\]'",
    ):
        scan(tmp_path / "x.vcz", cohort[0], quiet=True)


def test_a_wider_scan_says_how_extreme_a_short_one_is(tmp_path, cohort):
    model, records = cohort
    first = [(pos, row) for pos, row in records if pos < 20_000]
    path = write(tmp_path, {f"c{k}": (20_001, first) for k in range(60)})
    wide = scan(path, model, quiet=True)
    write_scan(tmp_path / "wide", wide, model)
    short = write(tmp_path, {"c": (80_000, records)})
    found = scan(short, model, step_bp=20_000, quiet=True, background=tmp_path / "wide")
    assert int(found.extremes.p.argmin()) == 2
    assert found.extremes.rank[2] == pytest.approx(1 / 61)
    write_scan(tmp_path / "out", found, model)
    head, *rows = [r.split("\t") for r in (tmp_path / "out" / "details.tsv").read_text().splitlines()]
    assert head[4:8] == ["score", "rank_p", "null_p", "q"]
    assert float(rows[2][6]) == pytest.approx(found.extremes.p[2], rel=1e-3)
    summary = json.loads((tmp_path / "wide" / "scan.json").read_text())
    (tmp_path / "wide" / "scan.json").write_text(json.dumps({**summary, "version": "other"}))
    with pytest.raises(DeepcohortError, match="scan both with one model"):
        scan(short, model, quiet=True, background=tmp_path / "wide")
    with pytest.raises(DeepcohortError, match="is no folder of deepcohort popgen scan"):
        scan(short, model, quiet=True, background=tmp_path)


def test_bad_input_ends_in_one_line(tmp_path, cohort):
    model, records = cohort
    path = write(tmp_path, {"c": (80_000, records)})
    with pytest.raises(DeepcohortError, match="no window has 5"):
        scan(write(tmp_path, {"c": (80_000, [(5, ["0|0"] * 6), (9, ["1|1"] * 6)])}), model, quiet=True)
    path = write(tmp_path, {"c": (80_000, records)})
    (tmp_path / "none.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=c,length=100>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nc\t5\t.\tA\tC\t.\t.\t.\n"
    )
    with pytest.raises(DeepcohortError, match="has no samples"):
        scan(tmp_path / "none.vcf", model, quiet=True)
    text = path.read_text().replace("\tGT\t", "\tDP\t").replace("ID=GT", "ID=DP")
    (tmp_path / "dp.vcf").write_text(text.replace("0|", "3").replace("1|", "4"))
    with pytest.raises(DeepcohortError, match="has no GT"):
        scan(tmp_path / "dp.vcf", model, quiet=True)
    with pytest.raises(DeepcohortError, match="does not exist"):
        scan(tmp_path / "absent.vcf", model, quiet=True)
    (tmp_path / "list").write_text("S0\nNobody\n")
    with pytest.raises(DeepcohortError, match="has no sample Nobody"):
        scan(path, model, tmp_path / "list", quiet=True)
    with pytest.raises(DeepcohortError, match="genotypes x is unknown"):
        scan(path, model, source="x", quiet=True)
    twice = path.read_text().splitlines()
    (tmp_path / "sorted.vcf").write_text("\n".join([*twice, twice[-20]]) + "\n")
    with pytest.raises(DeepcohortError, match="not sorted"):
        scan(tmp_path / "sorted.vcf", model, quiet=True)


def test_the_command_and_its_one_line_errors(tmp_path, cohort, small_run):
    _, records = cohort
    _, result, _ = small_run
    path = write(tmp_path, {"c": (80_000, records)})
    done = CliRunner().invoke(
        app,
        [
            "popgen",
            "scan",
            "--vcf",
            str(path),
            "--model",
            str(result.model),
            "--output",
            str(tmp_path / "o"),
            "--quiet",
        ],
    )
    assert done.exit_code == 0, done.output
    assert "windows judged" in done.output
    assert (tmp_path / "o" / "popgen_scan_mqc.json").exists()
    bad = CliRunner().invoke(
        app, ["popgen", "simulate", "--task", "none", "--loci", "2", "--output", str(tmp_path)]
    )
    assert isinstance(bad.exception, DeepcohortError)
    bad = CliRunner().invoke(
        app,
        [
            "popgen",
            "simulate",
            "--task",
            "balancing",
            "--loci",
            "2",
            "--output",
            str(tmp_path),
            "--shard",
            "3/2",
        ],
    )
    assert "not K/N" in str(bad.exception)


def test_scanning_needs_no_torch():
    code = (
        "import sys, deepcohort.popgen.scan, deepcohort.popgen.scan_output; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("name", "labels"), [("balancing", "overdominance"), ("sweep", "sweep")])
def test_shipped_models_are_small_and_carry_their_card(name, labels):
    model = read_pop_model(name)
    assert model.labels == ("neutral", labels)
    path = Path(model.path)
    assert path.stat().st_size < 400_000
    assert model.about["version"] in path.with_suffix(".md").read_text()
    recipe = read_config(path.with_suffix(".toml"), train_defaults(False))
    # settings that came after the model have their defaults
    written = {k: tuple(v) if isinstance(v, list) else v for k, v in model.about["train"].items()}
    assert asdict(recipe) == asdict(train_defaults(False)) | written


def test_the_sweep_model_ranks_lactase_high_in_hapmap_europeans(shared_data):
    """Of 31 windows of 200 kb the first holds the gene LCT, the second rs4988235."""
    path = shared_data / "popgen" / "hapmap_r22.chr2_135-138M.CEU.hg19.phased.bcf"
    if not path.exists():
        pytest.skip("no HapMap slice in the data")
    found = scan(path, read_pop_model("sweep"), quiet=True)
    assert found.judged.all()
    order = np.argsort(-found.judgement.p[:, 1], kind="stable")
    windows = [found.windows[i] for i in order[:2]]
    assert any(w.start <= 136_545_000 and w.end >= 136_594_000 for w in windows)
    assert any(w.start <= 136_608_645 < w.end for w in windows)
    # nearly all windows are called: that is told, and ranks are what is left
    assert any("of 31 windows are called, more than selection explains" in note for note in found.notes)
    assert np.sort(found.extremes.rank)[:2] == pytest.approx([2 / 32, 3 / 32])
