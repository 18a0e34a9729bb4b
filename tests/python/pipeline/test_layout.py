"""What every process must have, read from the files."""

import json
import re
from pathlib import Path

import pytest
import yaml
from deepcohort.cli import COMMANDS

REPOSITORY = Path(__file__).resolve().parents[3]
PROCESSES = sorted((REPOSITORY / "modules" / "processes").iterdir())


@pytest.mark.parametrize("folder", PROCESSES, ids=lambda path: path.name)
def test_a_process_has_stub_versions_meta_and_one_command(folder):
    text = (folder / "main.nf").read_text()
    assert f"process {folder.name.upper()} {{" in text
    assert "\n    stub:" in text
    assert "\n    label '" in text
    script = text.split("script:")[1].split("stub:")[0]
    meta = yaml.safe_load((folder / "meta.yml").read_text())
    assert meta["name"] == folder.name
    command = meta["command"].split()[1]
    assert command in COMMANDS
    assert f"deepcohort {command} " in script
    emitted = set(re.findall(r"emit: (\w+)", text))
    assert {output["name"] for output in meta["output"]} == emitted
    assert "versions" in emitted or folder.name == "write_provenance"


def test_nothing_below_main_reads_params():
    wrong = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "modules").rglob("*.nf")
        if re.search(r"\bparams\b", path.read_text())
    ]
    assert wrong == []


def test_every_parameter_is_in_the_schema_and_the_other_way_round():
    config = (REPOSITORY / "nextflow.config").read_text()
    block = re.search(r"^params \{(.*?)^\}", config, re.S | re.M)[1]
    declared = set(re.findall(r"^\s+(\w+)\s*=", block, re.M))
    schema = json.loads((REPOSITORY / "nextflow_schema.json").read_text())
    described = {name for group in schema["$defs"].values() for name in group["properties"]}
    assert declared == described
    assert all("description" in rule for g in schema["$defs"].values() for rule in g["properties"].values())
    assert {ref["$ref"].split("/")[-1] for ref in schema["allOf"]} == set(schema["$defs"])


MAKE_FOLDERS = [
    (folder.name, line)
    for folder in PROCESSES
    for line in (folder / "main.nf").read_text().splitlines()
    if "mkdir " in line
]


def test_some_processes_make_folders():
    assert len(MAKE_FOLDERS) > 1


@pytest.mark.parametrize(("process", "line"), MAKE_FOLDERS)
def test_a_killed_task_can_be_done_again_in_its_folder(process, line):
    """A run resumed after its head was killed may use the work folder that the killed task left."""
    for made in re.findall(r"mkdir (?!-p)([^\s;]+)", line):
        assert re.search(rf"rm -rf [^;]*{re.escape(made)}[\s;]", line), process


def nextflow_files():
    """The pipeline's own code."""
    folders = [REPOSITORY / name for name in ("modules", "lib", "conf")]
    found = [path for folder in folders for path in folder.rglob("*")]
    return [REPOSITORY / "main.nf", *(p for p in found if p.suffix in (".nf", ".groovy", ".config"))]


def test_no_line_is_longer_than_120_characters():
    long = [
        f"{path.relative_to(REPOSITORY)} line {number}"
        for path in nextflow_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 120
    ]
    assert long == []


def test_labels_are_known_to_institutions_and_have_resources():
    """A label that base.config lacks would leave a process with the least of everything."""
    used = {
        label
        for folder in PROCESSES
        for label in re.findall(r"label '(\w+)'", (folder / "main.nf").read_text())
    }
    given = set(re.findall(r"withLabel: (\w+)", (REPOSITORY / "conf" / "base.config").read_text()))
    assert used == given
    assert used <= {"process_single", "process_low", "process_medium", "process_high"}


def test_shards_are_gathered_in_one_place():
    wrong = [
        path.parent.name
        for path in (REPOSITORY / "modules" / "subworkflows").rglob("*.nf")
        if "indices.toList().sort" in path.read_text()
    ]
    assert wrong == []


@pytest.mark.parametrize("place", ["awsbatch", "googlebatch"])
def test_every_process_that_reads_at_urls_gets_the_bucket_s_keys(place):
    """Second looks, filters and haplotags read at s3:// and gs:// too; without keys they are refused."""
    reading = {
        folder.name.upper()
        for folder in PROCESSES
        if re.search(r"\burls\b|ReadsSheet", (folder / "main.nf").read_text())
    }
    assert {"CALL_SHARD", "LOOK_SHARD", "FILTER_SHARD"} <= reading
    config = (REPOSITORY / "conf" / f"{place}.config").read_text()
    selector = re.search(r"withName: '([^']*)' \{\s+beforeScript", config)[1]
    assert reading == set(selector.split("|")) - {"cloud"}
