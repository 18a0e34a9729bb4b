"""What commands write: checked before they begin, whole or not there, and no input among it."""

import importlib
import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from deepcohort.cli import COMMANDS, app
from deepcohort.cli.places import (
    EITHER,
    FILE,
    FOLDER,
    OUTPUTS,
    OUTPUTS_OF_GROUPS,
    PREFIX,
    check_places,
    check_values,
)
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import atomic_folder, atomic_outputs
from typer.testing import CliRunner

START = [sys.executable, "-c", "from deepcohort.start import main; main()"]


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # a shell starts what runs in its background so, and children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


READS_VCF = ("popgen", "stats", "export", "filter", "annotate", "evaluate", "show", "phase", "haplotag")


def run(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*START, *map(str, words)], capture_output=True, text=True, check=False, **more)


def test_every_path_that_a_command_writes_is_known():
    assert set(OUTPUTS) == set(COMMANDS)
    for command, kinds in {**OUTPUTS, **OUTPUTS_OF_GROUPS}.items():
        if command in ("popgen", "align", "fingerprint"):  # groups of commands
            continue
        name, _, child = command.partition(" ")
        registered = importlib.import_module(f"deepcohort.cli.{name}").app.registered_commands
        callback = next(c.callback for c in registered if not child or c.callback.__name__ == child)
        known = {
            name for name, p in inspect.signature(callback).parameters.items() if "Path" in str(p.annotation)
        }
        assert set(kinds) <= known
        named_so = {
            name
            for name in known
            if name in ("output", "gvcf", "vcf", "save_cohort") and command != "genotype"
        }
        reads = {"gvcf"} if command == "sites" else {"vcf"} if name in READS_VCF else set()
        assert named_so - reads <= set(kinds), command


@pytest.mark.parametrize(
    ("command", "values", "told"),
    [
        ("call", {"gvcf": "folder"}, "output folder is a folder; name a file"),
        ("call", {"vcf": "nowhere/x.vcf.gz"}, "output folder nowhere does not exist"),
        ("call", {"gvcf": "/dev/null"}, "no regular file"),
        ("call", {"gvcf": "in.bam", "reads": ["other", "in.bam"]}, "would overwrite in.bam, which --reads reads"),
        ("call", {"gvcf": "link", "reads": ["in.bam"]}, "would overwrite in.bam"),
        ("call", {"vcf": "in.bam.bai", "reads": ["in.bam"]}, "would overwrite in.bam.bai"),
        ("call", {"gvcf": "x.gz", "vcf": "./x.gz"}, "both name"),
        ("call", {"gvcf": "x.gz", "profile_json": "folder"}, "name a file"),
        ("evaluate", {"output": "in.bam"}, "is a file; name a folder"),
        ("stats", {"output": "in.bam/deeper"}, "in.bam is a file; name a folder"),
        ("genotype", {"save_cohort": "nowhere/deep/x.store", "output": "in.bam", "reference": "in.bam"}, "would overwrite"),
        ("export", {"output": "nowhere/x"}, "does not exist"),
        ("merge", {"output": "in.bam", "input_": ["in.bam"]}, "which --input reads"),
        ("merge", {"target_table": "other", "targets": "other"}, "which --targets reads"),
        ("filter", {"output": "x.gz", "checksums": "nowhere/x"}, "output folder nowhere does not exist"),
        ("call", {"phase_evidence": "nowhere/x.npz"}, "output folder nowhere does not exist"),
        ("report", {"output": "new", "pages": "other"}, "other is a file; name a folder"),
        ("align reads", {"output": "other", "fastq": ["other"]}, "which --fastq reads"),
        ("align reads", {"output": "x.bam", "version_file": "nowhere/x"}, "output folder nowhere"),
        ("align sample", {"output": "in.bam", "lane": ["in.bam"]}, "which --lane reads"),
        ("fingerprint sample", {"output": "in.bam", "reads": ["in.bam"]}, "which --reads reads"),
        ("fingerprint compare", {"output": "new", "warnings": "nowhere/x"}, "output folder nowhere"),
        ("popgen scan", {"output": "in.bam"}, "in.bam is a file; name a folder"),
    ],
)  # fmt: skip
def test_places_that_will_not_do(
    command: str, values: dict[str, object], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for name in ("in.bam", "in.bam.bai", "other"):
        Path(name).write_text(name)
    Path("link").symlink_to("in.bam")
    with pytest.raises(InputProblems, match=told):
        check_places(command, values)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "in.bam", "in.bam.bai", "link", "other"]


def test_commands_of_groups_look_at_their_places_too(tmp_path: Path):
    bam = tmp_path / "a.bam"
    bam.write_text("reads")
    words = ["align", "sample", "--lane", bam, "--reference", tmp_path / "x.fa", "--output", bam]
    run_of_it = CliRunner().invoke(app, list(map(str, words)))
    assert isinstance(run_of_it.exception, InputProblems)
    assert "which --lane reads" in str(run_of_it.exception)
    assert bam.read_text() == "reads"


def test_places_that_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("in.bam").write_text("")
    Path("old.gz").write_text("")
    check_places("call", {"gvcf": "old.gz", "vcf": None, "reads": ["in.bam"], "sample": "s", "threads": 1})
    check_places("evaluate", {"output": "new/deeper", "calls": ["in.bam"]})
    check_places("genotype", {"save_cohort": "store", "output": None})
    assert {FILE, FOLDER, EITHER, PREFIX} == {kind for kinds in OUTPUTS.values() for kind in kinds.values()}


def test_a_folder_that_cannot_be_written(mounted, tmp_path: Path):
    folder = mounted("disk", "size=1m")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    for command, values in (("stats", {"output": folder / "x"}), ("call", {"gvcf": folder / "x.gz"})):
        with pytest.raises(InputProblems, match="not writable"):
            check_places(command, values)


def test_words_that_are_no_text():
    with pytest.raises(InputProblems, match=r"--sample b'x\\xff' is no UTF-8 text"):
        check_values({"sample": "x\udcff", "reads": ["fine"]})
    done = subprocess.run(
        [*START, "call", "--sample", b"a\xff", "--reads", "x", "--reference", "y"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"no UTF-8" in done.stderr


def test_a_folder_of_outputs_is_whole_or_as_it_was(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")

    def write() -> None:
        with atomic_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("new")
            (folder / "b").write_text("new")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        write()
    assert [(p.name, p.read_text()) for p in (tmp_path / "out").iterdir()] == [("a", "old")]
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "b").write_text("new")
    assert {p.name: p.read_text() for p in (tmp_path / "out").iterdir()} == {"a": "old", "b": "new"}


def test_the_index_of_a_replaced_file_goes(tmp_path: Path):
    """Htslib takes x.csi before x.tbi: `bcftools view -r` gave no record of the new file."""
    final = tmp_path / "x.vcf.gz"
    for suffix in ("", ".csi", ".tbi", ".other"):
        Path(f"{final}{suffix}").write_text("old")
    with atomic_outputs(final, partners=(".tbi", ".csi")) as (temporary,):
        temporary.write_text("new")
        Path(f"{temporary}.tbi").write_text("new")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"x.vcf.gz": "new", "x.vcf.gz.tbi": "new", "x.vcf.gz.other": "old"}
    with pytest.raises(ValueError, match="no"), atomic_outputs(final, partners=(".tbi",)):
        raise ValueError("no")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == found


def test_a_limit_on_the_size_of_files(tmp_path: Path):
    code = (
        "import resource, sys; from pathlib import Path; from deepcohort.core.outputs import atomic_outputs\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"with atomic_outputs({str(tmp_path / 'x')!r}) as [path]: path.write_bytes(bytes(5000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "DeepcohortError: the limit on the size of a file (ulimit -f) was reached" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_folder_is_refused_before_the_work(tmp_path: Path):
    (tmp_path / "x.gz").mkdir()
    reached = []
    with pytest.raises(DeepcohortError, match="is a folder; name a file"), atomic_outputs(tmp_path / "x.gz"):
        reached.append(1)
    assert not reached


WAIT = """
import sys, time
from pathlib import Path
from deepcohort.core.stopping import listen
listen()
from deepcohort.core.outputs import atomic_outputs
with atomic_outputs(sys.argv[1]) as [path]:
    path.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(number: signal.Signals, tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, tmp_path / "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(number)
    process.wait(20)
    assert list(tmp_path.iterdir()) == []
    if number == signal.SIGTERM:
        assert process.returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_imports_leaves_no_trace(number: signal.Signals):
    code = (
        "import os, signal, sys, deepcohort.start as s\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.Signals(int(sys.argv.pop())))\n"
        "sys.meta_path.insert(0, Finder())\n"
        "s.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version", str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (128 + number, "")


def test_a_signal_where_exceptions_are_lost_still_ends_the_command():
    code = (
        "import os, signal, time\n"
        "from deepcohort.core.stopping import listen\n"
        "class Deaf:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1)\n"
        "listen()\n"
        "Deaf()\n"
        "time.sleep(20)\n"
        "print('went on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_python_ends_leaves_no_trace(number: signal.Signals):
    code = (
        "import atexit, os, signal, sys, deepcohort.start as s\n"
        "number = signal.Signals(int(sys.argv.pop()))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "atexit.register(lambda: os.kill(os.getpid(), number))\n"
        "s.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version", str(int(number))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-number, "")
    assert done.stdout.startswith("deepcohort ")


def test_errors_of_an_interrupted_import_are_no_bugs():
    code = (
        "import os, signal, sys, deepcohort.cli as c\n"
        "def app():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt: raise ImportError('onnxruntime')\n"
        "c.app = app\n"
        "c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        ("MemoryError()", 137, "out of memory"),
        ("ImportError('x.so: failed to map segment from shared object')", 137, "out of memory"),
        ("ModuleNotFoundError('No module', name='torch')", 2, "needs torch, which is not installed here"),
        ("OSError(24, 'Too many open files', 'x.bam')", 2, "x.bam: Too many open files; raise the limit on open files"),
        ("PermissionError(13, 'Permission denied', 'x')", 2, "x: Permission denied; check its permissions"),
        ("'\\udcff'.encode()", 2, "text that the locale"),
        ("ModuleNotFoundError('No module', name='deepcohort.x')", 1, "Traceback"),
        ("ValueError('a bug')", 1, "Traceback"),
    ],
)  # fmt: skip
def test_what_the_machine_refuses_is_one_line(raised: str, code: int, told: str):
    body = f"raise {raised}" if not raised.startswith("'") else raised
    script = f"import deepcohort.cli as c\ndef app():\n    {body}\nc.app = app\nc.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert told in done.stderr
    assert code == 1 or done.stderr.count("\n") == 1


def test_kernels_of_an_install_that_cannot_be_written(mounted, tmp_path: Path):
    """Compiled ones are used, others are kept by the user or, where there is no place, compiled each time and said so."""
    folder = mounted("install", "size=20m")
    (folder / "k.py").write_text(
        "from deepcohort.core.numba_options import kernel\n\n@kernel\ndef twice(x):\n    return 2 * x\n\nprint(twice(3))\n"
    )
    (tmp_path / "home").mkdir()

    def outcome(home: str, **more: str) -> tuple[str, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}",
            **more,
        }
        done = subprocess.run(
            [sys.executable, "-c", "import k"], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout, done.stderr

    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    printed, told = outcome("/proc/none")
    assert printed == "6\n"
    assert "anew in each run, as neither the install nor HOME can be written" in told
    assert told.count("\n") == 1
    assert "once per user" in outcome(str(tmp_path / "home"))[1]
    assert outcome(str(tmp_path / "home")) == ("6\n", "")
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    assert "once per install" in outcome("/proc/none")[1]
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    assert outcome("/proc/none") == ("6\n", "")
