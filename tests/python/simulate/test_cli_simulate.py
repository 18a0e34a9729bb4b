"""The two commands hand their arguments to the library."""

from pathlib import Path
from unittest.mock import patch

from deepcohort.cli.profile import app as profile_app
from deepcohort.cli.simulate import app as simulate_app
from deepcohort.simulate.cohort import Inputs
from deepcohort.simulate.config import SimulateConfig
from typer.testing import CliRunner

RESULT = {"samples": {"a": {}}, "sites": 3}


def _config(*arguments: str) -> tuple:
    with patch("deepcohort.simulate.cohort.simulate_cohort", return_value=RESULT) as library:
        result = CliRunner().invoke(simulate_app, ["--output", "out", *arguments])
    assert result.exit_code == 0, result.output
    assert "1 samples, 3 variant sites in out" in result.output
    return library.call_args.args


def test_defaults_are_those_of_the_config():
    output, config, inputs, threads, quiet = _config()
    assert output == Path("out")
    assert config == SimulateConfig()
    assert inputs == Inputs()
    assert (threads, quiet) == (1, False)


def test_options_reach_the_config():
    _, config, inputs, threads, _ = _config(
        "--samples", "7", "--coverage-range", "4", "60", "--read-length", "76", "--profile", "a", "--profile", "b",
        "--error-range", "0.5", "2", "--platform", "ont", "--seed", "9", "--region", "c:1-5", "--reference", "r.fa",
        "--plant", "v.vcf.gz", "--plant-sample", "S", "--sex", "XY", "--threads", "3", "--sex-contigs",
        "--quality-binning", "random", "--contamination", "0.02", "--hidden-paralogs", "0.01",
    )  # fmt: skip
    assert (config.family, config.unrelated, config.sexes, config.seed) == ("none", 7, ("XY",), 9)
    assert config.reads.coverage == (4.0, 60.0)
    assert config.reads.read_length == (76, 76)
    assert config.reads.error_multiplier == (0.5, 2.0)
    assert config.reads.profiles == ("a", "b")
    assert (config.reads.platform, config.reads.quality_binning) == ("ont", "random")
    assert config.reads.contamination == 0.02
    assert config.shadow.hidden_fraction == 0.01
    assert config.genome.sex_contigs
    assert inputs == Inputs(Path("r.fa"), ("c:1-5",), Path("v.vcf.gz"), "S", None)
    assert threads == 3


def test_profile_learns_from_several_bams():
    with patch("deepcohort.simulate.learn_profile.learn_profile", return_value="done") as library:
        result = CliRunner().invoke(
            profile_app,
            ["a.bam", "b.bam", "r.fa", "-o", "p.npz", "--quality-bin", "2", "--quality-bin", "30"],
        )
    assert result.exit_code == 0, result.output
    assert library.call_args.args == (
        [Path("a.bam"), Path("b.bam")],
        Path("r.fa"),
        Path("p.npz"),
        None,
        (2, 30),
        0,
    )


def test_profile_compares_two_bams():
    with patch("deepcohort.simulate.compare.compare_reads", return_value={"x": 1.0}) as library:
        result = CliRunner().invoke(profile_app, ["a.bam", "b.bam", "r.fa", "-o", "d", "--compare"])
        assert result.exit_code == 0, result.output
        assert library.call_args.args[:4] == (Path("a.bam"), Path("b.bam"), Path("r.fa"), Path("d"))
        result = CliRunner().invoke(profile_app, ["a.bam", "r.fa", "-o", "d", "--compare"])
    assert "takes two BAM files" in str(result.exception)
