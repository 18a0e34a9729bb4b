"""Files of alleles that cannot be used end in one clear line; what is passed over is counted."""

import re
import sys

import pysam
import pytest
from deepcohort.cli import main
from deepcohort.compose.call_shard import LONG, SYMBOLIC, CallJob, call_shard
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.stages import StageTimer
from known_helpers import call, given_of, write_sites
from naive_predictor import NaivePredictor

WHOLE = Region(CONTIG, 0, LENGTH_BP)
CONTIGS = {CONTIG: LENGTH_BP}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """(reference, BAM, text of the genome)."""
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    with pysam.FastaFile(str(reference)) as fasta:
        return reference, bams[0], fasta.fetch(CONTIG).upper()


def other(base):
    return "ACGT"["ACGT".index(base) - 1]


def snp(genome, pos):
    return CONTIG, pos, ".", genome[pos - 1], other(genome[pos - 1])


def not_a_vcf(folder, _):
    path = folder / "sites.vcf.gz"
    path.write_text("no VCF\n")
    return path


def too_many(folder, genome):
    base = genome[999]
    alts = [base + "ACGT"[i % 4] * (1 + i // 4) for i in range(60)]
    return write_sites(folder, CONTIGS, [(CONTIG, 1_000, ".", base, ",".join(alts))])


CASES = {
    "missing": (lambda f, g: f / "none.vcf.gz", "none.vcf.gz does not exist; check --alleles"),
    "no vcf": (not_a_vcf, "is neither a VCF nor a BCF; check --alleles"),
    "unindexed": (
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900)], index=False),
        "is not indexed; sort it, bgzip it and run: bcftools index",
    ),
    "unsorted": (  # an index of it cannot be made
        lambda f, g: write_sites(f, CONTIGS, [snp(g, 900), snp(g, 800)], index=False),
        "an index of unsorted records cannot be made",
    ),
    "contigs": (
        lambda f, g: write_sites(f, {"other": 500}, [("other", 5, ".", "A", "C")]),
        f"shares no contig with the reference (its: other; the reference's: {CONTIG})",
    ),
    "build": (
        lambda f, g: write_sites(f, CONTIGS, [(CONTIG, 900, ".", other(g[899]), g[899])]),
        f"belongs to another reference: REF at {CONTIG}:900 is",
    ),
    "many": (too_many, f"gives 45 alternates at {CONTIG}:1000, and 40 are the most; leave the rarest out"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line(inputs, tmp_path, case):
    reference, bam, genome = inputs
    make, message = CASES[case]
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(DeepcohortError, match=re.escape(message)) as error:
        call(out, reference, bam, [WHOLE], alleles=make(tmp_path, genome))
    assert "\n" not in str(error.value)
    assert list(out.iterdir()) == []


def test_what_cannot_be_looked_up_is_counted(inputs, tmp_path):
    reference, bam, genome = inputs
    rows = [
        snp(genome, 700),
        (CONTIG, 800, ".", genome[799], f"<DEL>,{other(genome[799])}", "END=850"),
        (CONTIG, 820, ".", genome[819], "*"),
        (CONTIG, 900, ".", genome[899], genome[899] + "ACGT" * 300),
        (CONTIG, 1_000, ".", genome[999:2_100], genome[999]),
    ]
    header = ['##INFO=<ID=END,Number=1,Type=Integer,Description="End">', '##ALT=<ID=DEL,Description="d">']
    sites = write_sites(tmp_path, CONTIGS, rows, header=header)
    vcf, timer = tmp_path / "x.vcf.gz", StageTimer()
    job = CallJob([bam], reference, [WHOLE], "S", None, vcf, alleles=sites)
    call_shard(job, NaivePredictor(), timer, quiet=True)
    assert list(given_of(vcf)) == [700, 800]
    assert [timer.counted(text.format("given")) for text in (SYMBOLIC, LONG)] == [2, 2]


def test_the_command_line_tells_of_both(inputs, tmp_path, monkeypatch, capsys):
    """Exit 2 and one line before any work; and a note of what was passed over."""
    reference, bam, genome = inputs
    vcf = tmp_path / "x.vcf.gz"

    def run(*options):
        command = ["deepcohort", "call", "--reads", bam, "--reference", reference, "--vcf", vcf, "--quiet"]
        monkeypatch.setattr(sys, "argv", [str(x) for x in (*command, *options)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr().err

    code, told = run("--alleles-only")
    assert code == 2
    assert "--alleles-only needs alleles; give --alleles" in told
    wrong = write_sites(tmp_path, CONTIGS, [(CONTIG, 900, ".", other(genome[899]), genome[899])], name="w")
    code, told = run("--alleles", wrong)
    assert code == 2
    assert told.count("\n") == 1
    assert not vcf.exists()
    sites = write_sites(tmp_path, CONTIGS, [snp(genome, 700), (CONTIG, 820, ".", genome[819], "*")])
    code, told = run("--alleles", sites, "--alleles-only")
    assert code in (0, None)
    assert "1 given alleles that are no sequence or REF itself were passed over" in told
    assert list(given_of(vcf)) == [700]


def test_contigs_without_alleles_are_called(inputs, tmp_path):
    """A file that speaks of one contig leaves the others as they are."""
    reference, bam, _ = inputs
    contigs = {CONTIG: LENGTH_BP, "far": 1_000}
    sites = write_sites(tmp_path, contigs, [("far", 5, ".", "A", "C")])
    one = call(tmp_path, reference, bam, [WHOLE], name="one", alleles=sites)
    assert given_of(one[0]) == {}
    only = call(tmp_path, reference, bam, [WHOLE], name="only", alleles=sites, alleles_only=True)
    assert given_of(only[1]) == {}
