"""Compiled kernels are forgotten when what they were made of changes, in whatever file that stands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deepcohort.core import numba_options


def outcome(folder: Path) -> tuple[str, bool]:
    """What the kernel says, and whether it was compiled."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder)}
    script = "from mini.outer import outer; print(outer(1))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip(), "compiling" in done.stderr


def test_a_change_in_an_imported_file_compiles_anew(tmp_path: Path) -> None:
    package = tmp_path / "mini"
    (package / "core").mkdir(parents=True)
    shutil.copy(numba_options.__file__, package / "core" / "numba_options.py")
    head = "from mini.core.numba_options import kernel\n"
    (package / "words.py").write_text("MORE = 10\n")
    (package / "inner.py").write_text(
        f"{head}from mini.words import MORE\n\n@kernel\ndef inner(x):\n    return x + MORE\n"
    )
    (package / "outer.py").write_text(
        f"{head}from mini.inner import inner\n\n@kernel\ndef outer(x):\n    return inner(x)\n"
    )
    assert outcome(tmp_path) == ("11", True)
    assert outcome(tmp_path) == ("11", False)
    (package / "words.py").write_text("MORE = 2_000\n")
    assert outcome(tmp_path) == ("2001", True)
    (package / "inner.py").write_text((package / "inner.py").read_text().replace("x +", "3 * x +"))
    assert outcome(tmp_path) == ("2003", True)
    assert outcome(tmp_path) == ("2003", False)


def test_a_type_of_arguments_that_is_gone_compiles_anew(tmp_path: Path) -> None:
    package = tmp_path / "mini"
    (package / "core").mkdir(parents=True)
    shutil.copy(numba_options.__file__, package / "core" / "numba_options.py")
    (package / "pairs.py").write_text(
        "from typing import NamedTuple\n\nclass Pair(NamedTuple):\n    a: int\n    b: int\n"
    )
    outer = (
        "from mini.core.numba_options import kernel\nfrom mini.pairs import Pair\n\n"
        "@kernel\ndef add(pair):\n    return pair.a + pair.b\n\n"
        "def outer(x):\n    return add(Pair(x, 4))\n"
    )
    (package / "outer.py").write_text(outer)
    assert outcome(tmp_path) == ("5", True)
    assert outcome(tmp_path) == ("5", False)
    (package / "pairs.py").write_text((package / "pairs.py").read_text().replace("Pair", "TwoNumbers"))
    (package / "outer.py").write_text(outer.replace("Pair", "TwoNumbers"))
    assert outcome(tmp_path) == ("5", True)
    assert outcome(tmp_path) == ("5", False)


def test_files_behind_a_kernel() -> None:
    joint = Path(numba_options.__file__).resolve().parents[1] / "joint"
    names = [name for name, _, _ in numba_options._stamp(joint / "parse_kernels.py")]
    for needed in ("joint/parse_kernels.py", "joint/line_kernels.py", "joint/sample_kernels.py"):
        assert f"deepcohort/{needed}" in names
    assert not any("cli" in name for name in names)
