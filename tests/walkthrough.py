"""Go through README and tutorial as a newcomer does: every command, in order, in a fresh clone.

    python tests/walkthrough.py --clone FOLDER [--venv .venv] [--only docs/tutorial.md]

Commands are what stands in fences marked `bash`; fences without a mark need files of one's own. --venv links an
environment that exists into the clone, so that `make setup` has nothing to do. Ends at the first command that fails, with its
output. Prints the seconds that each took.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "docs/tutorial.md")


def commands_in(text: str, mark: str = "bash") -> list[str]:
    """Commands of the fences with that mark, in order; lines that go on are one, comments are left out."""
    commands = []
    for block in re.findall(rf"(?ms)^```{mark}\n(.*?)^```$", text):
        joined = re.sub(r"\\\n\s*", "", block)
        for line in joined.splitlines():
            words = re.sub(r"\s+#\s.*$", "", line).strip()
            if words and not words.startswith("#"):
                commands.append(words)
    return commands


def clone_into(folder: Path, venv: Path | None) -> None:
    """A fresh clone of what is committed; `venv` is linked into it."""
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    if venv is not None:
        (folder / ".venv").symlink_to(venv.resolve())


def walk(folder: Path, documents: tuple[str, ...], skipped: tuple[str, ...] = ()) -> int:
    """Run the commands of `documents` in `folder`, but those that begin with one of `skipped`; 0 if all went well."""
    for document in documents:
        for command in commands_in((folder / document).read_text()):
            if command.startswith(skipped):
                print(f"-- {document}: {command} (left out)", flush=True)
                continue
            start = time.monotonic()
            print(f"== {document}: {command}", flush=True)
            done = subprocess.run(
                ["bash", "-ec", command], cwd=folder, capture_output=True, text=True, check=False
            )
            print(f"   {time.monotonic() - start:.0f} s, exit code {done.returncode}", flush=True)
            if done.returncode != 0:
                print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
                return 1
    return 0


def main() -> int:
    """Clone and walk."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clone", type=Path, required=True, help="folder to clone into; must not exist")
    parser.add_argument("--venv", type=Path, help="environment to link instead of making one")
    parser.add_argument("--only", nargs="+", choices=DOCUMENTS, default=list(DOCUMENTS))
    options = parser.parse_args()
    if options.clone.exists():
        print(f"walkthrough: error: {options.clone} exists; name a new folder", file=sys.stderr)
        return 2
    if shutil.which("git") is None:
        print("walkthrough: error: git is not installed", file=sys.stderr)
        return 2
    clone_into(options.clone, options.venv)
    return walk(options.clone, tuple(options.only), ("make setup",) if options.venv else ())


if __name__ == "__main__":
    sys.exit(main())
