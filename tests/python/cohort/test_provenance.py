import hashlib
import json

import pytest
from deepcohort.cli import app
from deepcohort.cohort.provenance import (
    collect_versions,
    read_checksums,
    write_checksums,
    write_provenance,
)
from deepcohort.core.errors import DeepcohortError
from typer.testing import CliRunner


def test_versions_are_gathered_by_process(tmp_path):
    for i, text in enumerate(
        ["CALL_SHARD: deepcohort 1\n", "CALL_SHARD: deepcohort 1\n", "MERGE: deepcohort 2\n"]
    ):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "versions.yml").write_text(text)
    assert collect_versions(tmp_path) == {"CALL_SHARD": ["deepcohort 1"], "MERGE": ["deepcohort 2"]}


def test_account_of_a_run(tmp_path):
    for name in ("versions", "inputs/1", "outputs/1", "models"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "run.json").write_text('{"parameters": {"a": 1}}')
    (tmp_path / "outputs" / "1" / "x.vcf.gz").write_bytes(b"abc")
    (tmp_path / "models" / "illumina.dcmodel").write_bytes(b"weights")
    (tmp_path / "models" / "illumina.md").write_text("# card")
    folders = [w for n in ("versions", "inputs", "outputs", "models") for w in (f"--{n}", str(tmp_path / n))]
    out = tmp_path / "p.json"
    run = ["provenance", "--run", str(tmp_path / "run.json"), *folders, "--output", str(out)]
    result = CliRunner().invoke(app, run)
    assert result.exit_code == 0, result.output
    account = json.loads(out.read_text())
    assert account["run"]["parameters"] == {"a": 1}
    assert [(o["name"], o["bytes"], o["sha256"]) for o in account["outputs"]] == [
        ("x.vcf.gz", 3, hashlib.sha256(b"abc").hexdigest())
    ]
    assert [(m["name"], m["card"]) for m in account["models"]] == [("illumina.dcmodel", "# card")]


def test_checksums_made_where_the_files_were_made_join_the_outputs(tmp_path):
    (tmp_path / "b.vcf.gz").write_bytes(b"abc")
    (tmp_path / "a.vcf.gz").write_bytes(b"")
    for number, name in enumerate(("b.vcf.gz", "a.vcf.gz")):
        (tmp_path / "checksums" / str(number)).mkdir(parents=True)
        write_checksums([tmp_path / name], tmp_path / "checksums" / str(number) / "x.checksums.tsv")
    rows = read_checksums(tmp_path / "checksums")
    assert rows == [
        {"name": "a.vcf.gz", "bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        {"name": "b.vcf.gz", "bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()},
    ]
    assert read_checksums(None) == read_checksums(tmp_path / "none") == []
    (tmp_path / "checksums" / "0" / "x.checksums.tsv").write_text("name\tbytes\tsha256\nb.vcf.gz\t3\n")
    with pytest.raises(DeepcohortError, match=r"checksums .*x\.checksums\.tsv line 2 has 2 cells"):
        read_checksums(tmp_path / "checksums")


def test_broken_account_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(DeepcohortError, match=r"run\.json is not readable JSON"):
        write_provenance(tmp_path / "run.json", tmp_path, None, None, None, tmp_path / "p.json")
    (tmp_path / "run.json").write_text("[1]")
    with pytest.raises(DeepcohortError, match=r"run\.json holds no JSON object"):
        write_provenance(tmp_path / "run.json", tmp_path, None, None, None, tmp_path / "p.json")


def test_versions_as_nf_core_writes_them(tmp_path):
    (tmp_path / "versions.yml").write_text(
        '"CALLING:CALL_SAMPLE:CALL_SHARD":\n    deepcohort: 0.1.0\n    code: abc\n'
        'Workflow:\n    deepcohort: 0.1.0\n    Nextflow: 24.10.0\n"BUILD_REPORT":\n    multiqc: 1.30\n'
    )
    assert collect_versions(tmp_path) == {
        "BUILD_REPORT": ["multiqc 1.30"],
        "CALL_SHARD": ["deepcohort 0.1.0, code abc"],
    }
