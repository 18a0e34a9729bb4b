import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from deepcohort import cli
from deepcohort.cohort.io import index_reference
from deepcohort.cohort.plan import (
    COLUMNS,
    Rates,
    Work,
    kept_gb,
    place_of,
    plan_stages,
    rows_of,
    with_rates,
)
from deepcohort.core.errors import DeepcohortError
from typer.testing import CliRunner

REPOSITORY = Path(__file__).resolve().parents[3]
MB = 1_000_000


def sample(folder: Path, name: str, mb: float, suffix: str = "bam") -> dict:
    """A row of samples.json whose reads have so many MB (a sparse file)."""
    path = folder / f"{name}.{suffix}"
    with open(path, "wb") as file:
        file.truncate(int(mb * MB))
    return {"sample": name, "reads": [str(path)], "truth_vcf": None}


def by_name(work: Work, rates: Rates | None = None) -> dict:
    return {stage.stage: stage for stage in plan_stages(work, rates or Rates())}


def test_calling_costs_what_the_depth_says(tmp_path):
    """100 Mb at 30x are 2,300 MB of BAM, and 1 CPU s per Mb; at 15x nearly a half."""
    full = Work([sample(tmp_path, "a", 2300)], [50 * MB, 50 * MB], 100 * MB, joint=False)
    call = by_name(full)["call"]
    assert call.tasks == 2
    assert call.cpu_s == pytest.approx(100 + 2 * 2.6)
    assert call.longest_s == pytest.approx(50 + 2.6)
    half = by_name(replace(full, samples=[sample(tmp_path, "b", 1150)]))["call"]
    assert half.cpu_s == pytest.approx(2 * 2.6 + 100 * (0.04 + 0.96 / 2))
    cram = by_name(replace(full, samples=[sample(tmp_path, "c", 1150, "cram")]))["call"]
    assert cram.cpu_s == pytest.approx(100 * 1.36 + 2 * 2.6)
    url = by_name(replace(full, samples=[{"sample": "u", "reads": ["s3://b/u.bam"]}]))["call"]
    assert url.cpu_s == pytest.approx(call.cpu_s)  # taken for 30x


def test_all_reads_of_an_exome_lie_in_its_targets(tmp_path):
    """40 Mb of 3,000 at 100x: 3,067 MB. Taken for reads of a genome they would be 1.3x."""
    work = Work([sample(tmp_path, "a", 40 * 100 * 23 / 30)], [40 * MB], 3000 * MB, joint=False)
    assert by_name(work)["call"].cpu_s == pytest.approx(2.6 + 40 * (0.04 + 0.96 * 100 / 30), rel=0.01)


def test_stages_follow_what_is_asked_for(tmp_path):
    rows = [sample(tmp_path, f"s{i}", 23) for i in range(3)]
    assert list(by_name(Work(rows, [MB], MB, joint=False))) == ["check and cut", "call", "merge", "report"]
    assert "store batches" not in by_name(Work(rows, [MB], MB))
    many = by_name(Work([rows[0]] * 600, [MB], MB))
    assert many["store batches"].tasks == 6
    rows[0]["truth_vcf"] = "t.vcf.gz"
    assert by_name(Work(rows, [MB], MB))["evaluate"].tasks == 2
    (tmp_path / "1.fq.gz").write_bytes(b"x" * MB)
    lanes = [{"lane": "L1", "fastq": [str(tmp_path / "1.fq.gz")] * 2}]
    aligned = by_name(
        Work([{"sample": "f", "reads": [], "lanes": lanes}], [MB], MB), replace(Rates(), align_s_per_gb=1000)
    )
    assert (aligned["align"].tasks, aligned["mark duplicates"].tasks) == (1, 1)
    assert aligned["align"].cpu_s == pytest.approx(2.0)


def test_a_second_look_and_the_filter_count(tmp_path):
    """Two samples of 100 Mb at 15x: looked at again unless told otherwise; at 30x not."""
    shallow = Work(
        [sample(tmp_path, name, 1150) for name in "ab"], [50 * MB] * 2, 100 * MB, second_look="auto"
    )
    stages = by_name(shallow, replace(Rates(), look_share=0.25, start_s=0.0, merge_s_per_mb=0.0))
    assert stages["second look"].tasks == 6
    assert stages["second look"].cpu_s == pytest.approx(0.25 * stages["call"].cpu_s)
    for other in (
        replace(shallow, second_look="false"),
        replace(shallow, joint=False),
        replace(shallow, samples=shallow.samples[:1]),
        replace(shallow, samples=[sample(tmp_path, name, 2300) for name in "cd"]),
    ):
        assert "second look" not in by_name(other)
    deep = replace(shallow, samples=[sample(tmp_path, name, 2300) for name in "cd"], filtered=True)
    filtering = by_name(deep, replace(Rates(), start_s=0.0))["filter"]
    assert filtering.cpu_s == pytest.approx(2 * 1.1 * 100)
    assert filtering.tasks == 2


def test_the_last_row_adds_up_and_prices_count(tmp_path):
    work = Work([sample(tmp_path, f"s{i}", 2300) for i in range(4)], [25 * MB] * 4, 100 * MB)
    stages = plan_stages(work, Rates())
    dear, free = (rows_of(stages, place_of("local", 4, price)) for price in (0.5, 0.0))
    assert [set(row) for row in dear] == [set(COLUMNS)] * len(dear)
    for key in COLUMNS[1:]:
        assert float(dear[-1][key]) == pytest.approx(sum(float(row[key]) for row in dear[:-1]), abs=0.01)
    assert float(free[-1]["dollars"]) == 0
    assert float(dear[-1]["dollars"]) == pytest.approx(0.5 * float(dear[-1]["cpu_hours"]), rel=0.05)
    # 16 call tasks of 27.6 s on 4 cores
    assert float(dear[1]["hours"]) == pytest.approx(4 * (27.6 + 0.5) / 3600, rel=0.01)
    more = rows_of(stages, place_of("local", 1000, None))
    assert float(more[1]["hours"]) == pytest.approx(28.1 / 3600, abs=0.001)
    assert kept_gb(work, Rates(), False) == pytest.approx(100 * 4 * (0.33 + 0.027 + 0.073) / 1e3)


def test_words_that_are_none():
    assert with_rates(["call_s_per_mb=2"]).call_s_per_mb == 2
    with pytest.raises(DeepcohortError, match="unknown rate"):
        with_rates(["speed=2"])
    with pytest.raises(DeepcohortError, match="is not NAME=NUMBER"):
        with_rates(["call_s_per_mb=fast"])
    with pytest.raises(DeepcohortError, match="unknown place 'moon'"):
        place_of("moon", None, None)


def test_the_head_cuts_the_cohort_by_the_same_numbers():
    text = (REPOSITORY / "lib" / "Scale.groovy").read_text()
    numbers = {name: float(value) for name, value in re.findall(r"([A-Z_]+) = ([\d.]+)d?\b", text)}
    rates = Rates()
    assert numbers["SECONDS_PER_MB"] == rates.genotype_s_per_mb
    assert numbers["SECONDS_PER_MB_SAMPLE"] == rates.genotype_s
    assert (numbers["ONE_LEVEL"], numbers["BATCH"], numbers["TASK_SECONDS"]) == (500, 100, 3600)
    assert "STEPS_MB = [100, 50, 25, 10, 5, 2, 1]" in text


def test_the_command(tmp_path):
    (tmp_path / "ref.fa").write_text(f">chr1\n{'ACGT' * 500}\n")
    index_reference(tmp_path / "ref.fa")
    (tmp_path / "samples.json").write_text(json.dumps([sample(tmp_path, "a", 1)]))
    (tmp_path / "shards.bed").write_text("chr1\t0\t1000\tshard_00001\nchr1\t1000\t2000\tshard_00002\n")
    words = ["plan", "--samples", "samples.json", "--shards", "shards.bed", "--reference", "ref.fa"]
    words = [str(tmp_path / word) if "." in word else word for word in words]
    words += [
        "--output",
        str(tmp_path / "plan.tsv"),
        "--text",
        str(tmp_path / "plan.txt"),
        "--place",
        "slurm",
    ]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "plan.tsv").read_text().splitlines()
    assert lines[0].split("\t") == list(COLUMNS)
    assert lines[-1].startswith("all\t")
    told = (tmp_path / "plan.txt").read_text()
    assert told == done.stdout
    assert "1 sample, 0.0 Mb in 2 shards; on slurm: 1,000 cores at once" in told
    (tmp_path / "samples.json").write_text("{}")
    assert isinstance(CliRunner().invoke(cli.app, words).exception, DeepcohortError)
