"""A panel's frequencies as prior: what is read of it, what it does to calls, and what it must not touch."""

import math
import re
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.candidates.types import CandidateTable
from deepcohort.cli import main
from deepcohort.compose.call_shard import ShardConfig
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.known.config import KnownConfig
from deepcohort.known.io_panel import PanelSites, keys_of
from deepcohort.known.panel import panel_odds, share_of_novel, shifted
from known_helpers import call, made_up, rows_of, sample_of, write_sites

WHOLE = Region(CONTIG, 0, LENGTH_BP)
CONTIGS = {CONTIG: LENGTH_BP}
TEXT = "".join(np.random.default_rng(12).choice(list("ACGT"), 600))
CONFIG = KnownConfig()
KEYS_1000G = ["AC", "AN", "AF", "EUR_AF", "EAS_AF"]
KEYS_GNOMAD = ["AC", "AN", "AF", "AC_nfe", "AN_nfe", "AF_nfe", "AF_afr"]


def other(base, n=1):
    return "ACGT"[("ACGT".index(base) + n) % 4]


def info_lines(*keys):
    return [f'##INFO=<ID={key},Number=.,Type=Float,Description="x">' for key in keys]


@pytest.mark.parametrize(
    ("keys", "population", "genotypes", "text"),
    [
        pytest.param(KEYS_1000G, "", False, "AC/AN", id="counts"),
        pytest.param(["AF"], "", True, "AF", id="share before genotypes"),
        pytest.param(["NS"], "", True, "GT", id="genotypes"),
        pytest.param(KEYS_1000G, "EUR", False, "EUR_AF", id="1000 Genomes"),
        pytest.param(KEYS_GNOMAD, "nfe", False, "AC_nfe/AN_nfe", id="gnomAD counts"),
        pytest.param(KEYS_GNOMAD, "AFR", False, "AF_afr", id="case of letters"),
    ],
)
def test_where_frequencies_stand(keys, population, genotypes, text):
    assert keys_of(Path("p"), dict.fromkeys(keys), genotypes, population).text == text


@pytest.mark.parametrize(
    ("keys", "population", "message"),
    [
        pytest.param(KEYS_1000G, "FIN", "no frequencies of population 'FIN' in INFO; choose from EAS, EUR",
                     id="unknown"),
        pytest.param(["AF"], "EUR", "of population 'EUR' in INFO; leave --panel-population out", id="none"),
        pytest.param(["NS"], "", "tells no frequencies: INFO has neither AC and AN nor AF", id="no frequency"),
        pytest.param(["AC"], "", "tells no frequencies", id="AC without AN"),
    ],
)  # fmt: skip
def test_no_frequencies_is_one_clear_line(keys, population, message):
    with pytest.raises(DeepcohortError, match=re.escape(message)) as error:
        keys_of(Path("p"), dict.fromkeys(keys), False, population)
    assert "\n" not in str(error.value)


def test_frequencies_of_a_file(tmp_path):
    """Counts, what is missing, several alternates, an MNP by its SNPs; genotypes give the same."""
    a, b = TEXT[99], TEXT[100]
    rows = [
        ("c", 50, ".", TEXT[49], f"{other(TEXT[49])},{other(TEXT[49], 2)}", "AC=3,1;AN=10", "1/2", "1|1"),
        ("c", 60, ".", TEXT[59], other(TEXT[59]), "AC=0;AN=0", "./.", "./."),
        ("c", 100, ".", a, other(a), "AC=2;AN=10", "0/1", "0/0"),
        ("c", 100, ".", a + b, other(a) + other(b), "AC=1;AN=10", "0/0", "0/1"),
    ]
    sites = write_sites(tmp_path, {"c": 600}, rows, samples=("x", "y"), header=info_lines("AC", "AN"))
    region, codes = Region("c", 0, 600), encode_bases(TEXT)
    panel = PanelSites(sites, {"c": 600})
    found = panel.fetch(region, codes, region)
    panel.close()
    assert (found.alleles.pos + 1).tolist() == [50, 50, 60, 100, 101]
    two = dict(sorted({other(TEXT[49]): 0.3, other(TEXT[49], 2): 0.1}.items()))
    np.testing.assert_allclose(found.frequency, [*two.values(), math.nan, 0.3, 0.1])
    bare = write_sites(tmp_path, {"c": 600}, [(*r[:5], ".", *r[6:]) for r in rows], "gt", samples="xy")
    panel = PanelSites(bare, {"c": 600})
    counted = panel.fetch(region, codes, region)
    panel.close()
    two |= {other(TEXT[49]): 0.75, other(TEXT[49], 2): 0.25}
    np.testing.assert_allclose(counted.frequency, [*two.values(), math.nan, 0.5, 0.25])


def table_of(*alleles):
    """Candidates (REF bp, ALT) ten bases apart."""
    n = len(alleles)
    text = "".join(alt for _, alt in alleles)
    return CandidateTable(
        "c", np.arange(n) * 10, np.array([size for size, _ in alleles], np.int32), encode_bases(text),
        np.cumsum([0] + [len(alt) for _, alt in alleles]), np.full(n, 9, np.int32),
        np.zeros((n, 2), np.int32), np.zeros(n, np.bool_),
    )  # fmt: skip


def test_odds_by_hand():
    table = table_of((1, "A"), (1, "A"), (1, "A"), (1, "AC"))
    frequency = np.array([0.2, 0.2, np.nan, np.nan])
    odds = panel_odds(table, frequency, np.array([2, 1, 2, 2], np.int8), CONFIG, novel_share=0.05)
    natural = 1.0 - 1.5 * 5e-4
    s = CONFIG.panel_strength
    assert odds[0] == pytest.approx(
        [
            0.0,
            s * math.log10(0.32 / 5e-4 / (0.64 / natural)),
            s * math.log10(0.04 / 2.5e-4 / (0.64 / natural)),
        ]
    )
    assert odds[1, 2] == pytest.approx(s * math.log10(0.2 / 2.5e-4 / (0.8 / natural)))
    assert odds[2] == pytest.approx([0.0, math.log10(0.05), math.log10(0.05)])
    assert odds[3].tolist() == [0.0, 0.0, 0.0]  # an indel that the panel lacks


def test_reference_calls_rest_on_the_reads():
    """Surely absent stays as it was; what the reads leave open does not become surely absent."""
    rng = np.random.default_rng(3)
    before = rng.dirichlet([0.3, 0.2, 0.2], 4000)
    before[:500] = rng.dirichlet([300.0, 0.3, 0.3], 500)
    shift = np.concatenate([np.zeros((4000, 1)), rng.uniform(-3, 3, (4000, 2))], axis=1)
    after, ratio = shifted(before, shift, 20)
    np.testing.assert_allclose(after.sum(axis=1), 1.0)
    sure, sure_after = before[:, 0] >= 0.99, after[:, 0] >= 0.99
    assert not (sure_after & ~sure).any()
    np.testing.assert_array_equal(after[sure & sure_after], before[sure & sure_after])
    assert (sure & ~sure_after).any()
    assert (ratio[sure & sure_after] == 0).all()
    some = (before > 1e-20).all(axis=1) & (after > 1e-20).all(axis=1)
    np.testing.assert_allclose(before[some] * 10.0 ** ratio[some], after[some], rtol=1e-9)


def test_share_of_novel():
    assert share_of_novel(CONFIG.panel_least_snps - 1, 0, CONFIG) == 1.0
    assert share_of_novel(100, 97, CONFIG) == pytest.approx(0.05)
    assert share_of_novel(100, 0, CONFIG) == 1.0


def with_base(start, n, at, base):
    bases = TEXT[start - 1 : start - 1 + n]
    return bases[: at - start] + base + bases[at - start + 1 :]


@pytest.fixture(scope="module")
def one_read(tmp_path_factory):
    """(reference, BAM, row of the SNP that one of eight reads shows, row of a SNP that no read shows)."""
    folder = tmp_path_factory.mktemp("one")
    alt = other(TEXT[299])
    reads = [(251, "100M", TEXT[250:350])] * 7 + [(252, "100M", with_base(252, 100, 300, alt))]
    reference, bam = made_up(folder, TEXT, reads)
    return reference, bam, ("c", 300, "a", TEXT[299], alt), ("c", 310, "b", TEXT[309], other(TEXT[309]))


def panel_of(folder, rows, frequency, name="panel"):
    rows = [(*row, f"AF={frequency}") for row in rows]
    return write_sites(folder, {"c": 600}, rows, name, header=info_lines("AF"))


def test_one_read_of_a_common_allele(one_read, tmp_path):
    """A common allele is called, with QUAL and GQ of the panel, and PL of reads and nature's rate."""
    reference, bam, shown, unseen = one_read
    region = Region("c", 0, 600)
    plain, _ = call(tmp_path, reference, bam, [region], "plain")
    assert not [row for row in rows_of(plain) if row[4] != "<NON_REF>"]
    common = panel_of(tmp_path, [shown, unseen], 0.4)
    gvcf, vcf = call(tmp_path, reference, bam, [region], "common", panel=common)
    (row,) = rows_of(vcf)
    assert (int(row[1]), row[2], row[4]) == (300, ".", shown[4])
    assert "GIVEN" not in row[7]
    one = sample_of(row)
    assert (one["GT"], one["AD"]) == ("0/1", "7,1")
    # one read of phred 40 for, seven against; heterozygotes are 5e-4 in nature, .48 in the panel
    cap = -math.log10(CONFIG.panel_read_error)
    het = math.log10((1 + 10**cap) / 2) + 7 * math.log10((1 + 10**-cap) / 2)
    natural = math.log10(5e-4) - math.log10(1 - 7.5e-4)
    assert abs(int(one["PL"].split(",")[1]) + 10 * (het + natural)) <= 1
    most = CONFIG.panel_most_log10
    shift = min(most, CONFIG.panel_strength * (math.log10(0.48 / 0.36) - natural))
    odds = 10 ** (het + natural + shift)
    assert float(row[5]) == pytest.approx(10 * math.log10(1 + odds), abs=0.2)
    assert [r[1] for r in rows_of(gvcf) if r[4] != "<NON_REF>"] == ["300"]
    rare = panel_of(tmp_path, [shown, unseen], 0.0011, "rare")
    gvcf, vcf = call(tmp_path, reference, bam, [region], "rare", panel=rare)
    assert rows_of(vcf) == []
    never = panel_of(tmp_path, [shown, unseen], 0.0, "never")
    gvcf, _ = call(tmp_path, reference, bam, [region], "never", panel=never)
    assert rows_of(gvcf) == rows_of(plain)


def test_with_given_alleles(one_read, tmp_path):
    """Both at once: the given allele keeps its record and its ID, the panel's odds are not in its PL."""
    reference, bam, shown, unseen = one_read
    region = Region("c", 0, 600)
    given = write_sites(tmp_path, {"c": 600}, [shown, unseen], "given")
    alone, _ = call(tmp_path, reference, bam, [region], "alone", alleles=given)
    both, _ = call(
        tmp_path, reference, bam, [region], "both", alleles=given, panel=panel_of(tmp_path, [shown], 0.4)
    )
    before, after = ([r for r in rows_of(path) if "GIVEN" in r[7]] for path in (alone, both))
    assert [row[:5] for row in before] == [row[:5] for row in after]
    assert [sample_of(row)["GT"] for row in before] == ["0/0", "0/0"]
    assert [sample_of(row)["GT"] for row in after] == ["0/1", "0/0"]
    assert [sample_of(row)["PL"] for row in before] == [sample_of(row)["PL"] for row in after]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """(reference, BAM, text of the genome, panel of its variants and of made-up ones)."""
    folder = tmp_path_factory.mktemp("inputs")
    reference, bams, truth = write_warm_inputs(folder)
    with pysam.FastaFile(str(reference)) as fasta:
        genome = fasta.fetch(CONTIG).upper()
    with pysam.VariantFile(str(truth)) as file:
        rows = [(CONTIG, r.pos, ".", r.ref, ",".join(r.alts), "AF=0.3") for r in file if r.contig == CONTIG]
    taken = {row[1] for row in rows}
    rng = np.random.default_rng(5)
    for pos in rng.choice(np.arange(20, LENGTH_BP - 120), 400, replace=False).tolist():
        if pos + 1 not in taken:
            rows.append((CONTIG, pos + 1, ".", genome[pos], other(genome[pos]), "AF=0.05"))
    panel = write_sites(folder, CONTIGS, sorted(rows), "panel", header=info_lines("AF"))
    return reference, bams[0], genome, panel


def test_pieces_give_the_same(inputs, tmp_path):
    """Chunks and shards do not show; and likelihoods of called records are those without the panel."""
    reference, bam, _, panel = inputs
    whole = call(tmp_path, reference, bam, [WHOLE], "whole", panel=panel, panel_novel=0.1)
    small = ShardConfig(max_chunk_bp=2_500, min_chunk_bp=1_000)
    cut = call(tmp_path, reference, bam, [WHOLE], "cut", panel=panel, panel_novel=0.1, shard_config=small)
    assert [path.read_bytes() for path in whole] == [path.read_bytes() for path in cut]
    half = LENGTH_BP // 2
    parts = [
        rows_of(call(tmp_path, reference, bam, [part], f"p{i}", panel=panel, panel_novel=0.1)[1])
        for i, part in enumerate((Region(CONTIG, 0, half), Region(CONTIG, half, LENGTH_BP)))
    ]
    assert parts[0] + parts[1] == rows_of(whole[1])
    plain = {row[1]: row for row in rows_of(call(tmp_path, reference, bam, [WHOLE], "plain")[1])}
    shared = [row for row in rows_of(whole[1]) if row[1] in plain and row[4] == plain[row[1]][4]]
    assert len(shared) >= 5
    for row in shared:
        ours, theirs = (list(map(int, sample_of(r)["PL"].split(","))) for r in (row, plain[row[1]]))
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= 1
    assert any(row[5] != plain[row[1]][5] for row in shared)


def snp(genome, pos, info="AF=0.1"):
    return CONTIG, pos, ".", genome[pos - 1], other(genome[pos - 1]), info


CASES = {
    "missing": (lambda f, g: f / "none.vcf.gz", "none.vcf.gz does not exist; check --panel"),
    "unindexed": (
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900)], header=info_lines("AF"), index=False),
        "is not indexed; sort it, bgzip it and run: bcftools index",
    ),
    "build": (
        lambda f, g: write_sites(
            f, CONTIGS, [(CONTIG, 900, ".", other(g[899]), g[899], "AF=0.1")], header=info_lines("AF")
        ),
        f"belongs to another reference: REF at {CONTIG}:900 is",
    ),
    "no frequencies": (
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900, ".")]),
        "tells no frequencies: INFO has neither AC and AN nor AF, and there are no genotypes",
    ),
    "empty frequencies": (
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900, ".")], header=info_lines("AC", "AN")),
        "tells no frequencies: its first records lack AC/AN",
    ),
    "population": (
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900)], header=info_lines("AF", "AF_EAS")),
        "gives no frequencies of population 'EUR' in INFO; choose from EAS",
    ),
}


def run(monkeypatch, capsys, *options):
    """(exit code, standard error) of `deepcohort call`."""
    monkeypatch.setattr(sys, "argv", ["deepcohort", "call", *map(str, options), "--quiet"])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, capsys.readouterr().err


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line(inputs, tmp_path, monkeypatch, capsys, case):
    reference, bam, genome, _ = inputs
    make, message = CASES[case]
    out = tmp_path / "out"
    out.mkdir()
    options = ["--reads", bam, "--reference", reference, "--vcf", out / "x.vcf.gz"]
    options += ["--panel", make(tmp_path, genome)]
    options += ["--panel-population", "EUR"] if case == "population" else []
    code, told = run(monkeypatch, capsys, *options)
    assert code == 2
    assert message in told
    assert told.count("\n") == 1
    assert list(out.iterdir()) == []


def test_options_that_exclude_each_other(inputs, tmp_path, monkeypatch, capsys):
    reference, bam, _, panel = inputs
    options = ["--reads", bam, "--reference", reference, "--vcf", tmp_path / "x.vcf.gz"]
    code, told = run(monkeypatch, capsys, *options, "--panel-population", "EUR")
    assert (code, "--panel-population needs a panel; give --panel" in told) == (2, True)
    look = ["--alleles", panel, "--second-look", "--panel", panel]
    code, told = run(monkeypatch, capsys, *options, *look)
    assert (code, "--panel and --second-look exclude each other" in told) == (2, True)


def test_the_command_line(inputs, tmp_path, monkeypatch, capsys):
    """The header says what panel, and how many sure SNPs it lacks; what was passed over is counted."""
    reference, bam, genome, _ = inputs
    rows = [
        snp(genome, 700),
        (CONTIG, 820, ".", genome[819], "*", "AF=0.1"),
        (CONTIG, 900, ".", genome[899], genome[899] + "ACGT" * 300, "AF=0.1"),
    ]
    panel = write_sites(tmp_path, CONTIGS, rows, "odd", header=info_lines("AF"))
    vcf = tmp_path / "x.vcf.gz"
    code, told = run(
        monkeypatch, capsys, "--reads", bam, "--reference", reference, "--vcf", vcf, "--panel", panel
    )
    assert code in (0, None)
    assert "odd.vcf.gz: 1 panel alleles that are no sequence or REF itself were passed over" in told
    assert "odd.vcf.gz: 1 panel alleles that are too long were passed over" in told
    with pysam.VariantFile(str(vcf)) as file:
        (line,) = [str(r) for r in file.header.records if r.key == "deepcohort_panel"]
    assert line.startswith(
        f"##deepcohort_panel=File=odd.vcf.gz;Frequencies=AF;Strength={CONFIG.panel_strength:g}"
    )
    assert ";NovelShare=" in line
