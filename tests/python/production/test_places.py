"""Folders and devices where files belong, in every command: one line, exit code 2, nothing written."""

import os
from pathlib import Path

import pytest
from deepcohort import cli
from fuzz_base import make_base

pytestmark = [pytest.mark.xdist_group("spoilt_files"), pytest.mark.nightly]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "sound"  # shared by the modules of this group
    make_base(folder)
    return folder


COMMANDS = {
    "call": "--reads sim/sample1.bam --reference sim/reference.fa --gvcf OUT/o.g.vcf.gz --regions shards.bed --model X --paralogs paralogs.tsv.gz --ploidy-bed X --quiet",
    "genotype": "--gvcf 1.g.vcf.gz --reference sim/reference.fa --output OUT/o.vcf.gz --pedigree X --sex X --cohort X --gvcf-list X --regions shards.bed --shards X",
    "merge": "--input 1.g.vcf.gz --output OUT/o.g.vcf.gz --shards X --input-list X",
    "evaluate": "--vcf 1.vcf.gz --truth sim/sample1.truth.vcf.gz --confident sim/sample1.confident.bed --reference sim/reference.fa --output OUT/e --manifest X --reads X",
    "stats": "--vcf cohort.vcf.gz --output OUT/s --pedigree X --quiet",
    "export": "--vcf cohort.vcf.gz --format zarr --output OUT/x --pedigree X",
    "filter": "--vcf 1.vcf.gz --reads sim/sample1.bam --reference sim/reference.fa --output OUT/o.vcf.gz --trained X",
    "examples": "--reads sim/sample1.bam --reference sim/reference.fa --truth sim/sample1.truth.vcf.gz --confident sim/sample1.confident.bed --output OUT/x --quiet",
    "train": "--examples X --output OUT/t --config X --init-from X",
    "simulate": "--output OUT/sim --reference X --profile X",
    "check": "--samplesheet X --reference sim/reference.fa --cohort X --regions X",
    "shard": "--reference X --output OUT/s.bed --regions X",
    "intersect": "--bed X --within shards.bed --output OUT/o.bed",
    "paralogs": "--reference X --output OUT/p.tsv.gz",
    "store": "--part X --output OUT/c.json --shards X",
}  # fmt: skip
CASES = [
    (command, words.split()[at])
    for command, text in COMMANDS.items()
    for words in [text]
    for at, word in enumerate(words.split())
    if word.startswith("--") and word not in ("--quiet", "--format", "--output", "--gvcf-list-absent")
]


@pytest.mark.parametrize("kind", ["folder", "device"])
@pytest.mark.parametrize(("command", "option"), CASES, ids=lambda value: str(value).lstrip("-"))
def test_what_is_no_file(
    command: str,
    option: str,
    kind: str,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    odd = {"folder": tmp_path / "folder", "device": Path("/dev/null")}[kind]
    (tmp_path / "folder").mkdir()
    (tmp_path / "out").mkdir()
    words, given = COMMANDS[command].split(), []
    for name, value in zip(words, [*words[1:], ""], strict=True):
        if not name.startswith("--"):
            continue
        if name == option:
            given += [name, str(odd)]
        elif value.startswith("--") or not value:
            given.append(name)
        elif value != "X":  # only when it is the option's turn
            given += [name, value.replace("OUT", str(tmp_path / "out"))]
    monkeypatch.chdir(base)
    monkeypatch.setattr("sys.argv", ["deepcohort", command, *given])
    monkeypatch.setattr(cli, "listen", lambda: None)  # signals are pytest's
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = capfd.readouterr().err
    assert "Traceback" not in told
    assert stop.value.code in (0, 2), told
    if stop.value.code == 0:  # an empty list, table or BED is one that says nothing
        assert kind == "device", told
    else:
        assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert os.path.exists("/dev/null")
    assert not os.path.isfile("/dev/null")
