"""What the command line hands to the library, and tells."""

from pathlib import Path

from deepcohort.cli.haplotag import app
from deepcohort.compose import call_run, haplotag_run
from deepcohort.compose.call_setup import CallRequest
from deepcohort.haplotag.run import TagRequest, TagSummary
from typer.testing import CliRunner

WORDS = [
    "--vcf",
    "a.vcf.gz",
    "--reads",
    "a.bam",
    "--reads",
    "b.bam",
    "--reference",
    "r.fa",
    "--output",
    "o.bam",
]


def answers(monkeypatch, summary):
    """Requests and settings that the library is asked for, which answers `summary`."""
    asked = []
    monkeypatch.setattr(haplotag_run, "haplotag", lambda *given: asked.append(given) or summary)
    return asked


def test_options_reach_the_library(monkeypatch):
    asked = answers(monkeypatch, TagSummary("S", 1_000, 900, 800, 2_000, 10))
    words = [*WORDS, "--sample", "S", "--platform", "ont", "--min-quality", "20", "--threads", "3"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    ((request, config),) = asked
    reads = [Path("a.bam"), Path("b.bam")]
    assert request == TagRequest(Path("a.vcf.gz"), reads, Path("r.fa"), Path("o.bam"), "S", "ont", 3)
    assert config.min_quality_phred == 20
    assert (
        "o.bam: 900 of 1,000 reads tagged; 0.50% of what they show is of the other haplotype" in result.output
    )
    assert "warning" not in result.output


def test_doubts_are_told(monkeypatch, capsys):
    request = TagRequest(Path("a.vcf.gz"), [Path("a.bam")], Path("r.fa"), Path("o.bam"))
    answers(monkeypatch, TagSummary("S", 1_000, 900, 800, 2_000, 600))
    haplotag_run.tag_reads(request)
    assert (
        "warning: reads contradict the phase of a.vcf.gz; it may be of other reads" in capsys.readouterr().err
    )
    answers(monkeypatch, TagSummary("S", 1_000, 0, 0, 0, 0))
    haplotag_run.tag_reads(request)
    assert (
        "warning: a.vcf.gz has no phased site that reads show; no read is tagged" in capsys.readouterr().err
    )


def test_call_tags_by_its_own_calls(monkeypatch):
    asked = answers(monkeypatch, TagSummary("S", 1, 1, 1, 1, 0))
    for vcf, gvcf, used in (
        (Path("v.vcf.gz"), Path("g.vcf.gz"), "v.vcf.gz"),
        (None, Path("g.vcf.gz"), "g.vcf.gz"),
    ):
        request = CallRequest(
            (Path("a.bam"),),
            Path("r.fa"),
            gvcf=gvcf,
            vcf=vcf,
            platform="hifi",
            haplotag=Path("o.bam"),
            threads=2,
        )
        call_run._tag_reads(request, "S")
        told = TagRequest(Path(used), (Path("a.bam"),), Path("r.fa"), Path("o.bam"), "S", "hifi", 2)
        assert asked[-1][0] == told
