"""What every profile changes, as Nextflow itself resolves it, against a committed snapshot.

After a change that is meant: UPDATE_SNAPSHOTS=1 pytest tests/python/production/test_profiles.py
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SNAPSHOTS = Path(__file__).with_name("snapshots")
NEXTFLOW = ROOT / ".venv" / "bin" / "nextflow"
PLACES = [
    "docker",
    "podman",
    "singularity",
    "apptainer",
    "conda",
    "slurm",
    "awsbatch",
    "googlebatch",
    "kubernetes",
]
PROFILES = [*PLACES, "google_lifesciences", "standard,gpu", *(f"{place},gpu" for place in PLACES)]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.xdist_group("profiles"),
    pytest.mark.skipif(not NEXTFLOW.exists(), reason="no .venv/bin/nextflow; run make setup"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By profile, one string per setting, without what differs between machines."""
    folder = tmp_path_factory.mktemp("configs")
    names = ["standard", *PROFILES]
    command = [NEXTFLOW, "-q", "run", Path(__file__).with_name("configs.nf")]
    run = subprocess.run(
        [*command, "--pipeline", ROOT, "--profiles", ";".join(names)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert not re.search("warn|unknown", run.stdout + run.stderr, re.IGNORECASE), run.stdout + run.stderr
    found = {}
    for name in names:
        text = (folder / f"{name.replace(',', '-')}.config").read_text().replace(str(ROOT), "PIPELINE")
        text = re.sub(
            r"resourceLimits = \[cpus:\d+, memory:'\d+ GB'", "resourceLimits = [cpus:HERE, memory:HERE", text
        )
        text = re.sub(r"(executor\.\$local\.(cpus|memory)) = .*", r"\1 = HERE", text)
        lines = re.split(r"\n(?=[a-z_]+\.)", text.strip())
        found[name] = {line for line in lines if not line.startswith("process.ext.sources")}
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_changes_only_what_its_snapshot_says(profile: str, settings: dict[str, set[str]]) -> None:
    base, here = settings["standard"], settings[profile]
    text = "\n".join(
        [*(f"- {line}" for line in sorted(base - here)), *(f"+ {line}" for line in sorted(here - base))]
    )
    path = SNAPSHOTS / f"{profile.replace(',', '-')}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text(), f"profile {profile} changed; see UPDATE_SNAPSHOTS in {__file__}"


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_takes_no_process_its_options_away(profile: str, settings: dict[str, set[str]]) -> None:
    """A block of the same name in a profile replaces the pipeline's own, and its options go unsaid."""
    of_a_process = re.compile(r"process\.'withName:[^']*'\.(ext|publishDir|time)\b")
    lost = {
        line.split(" = ")[0] for line in settings["standard"] - settings[profile] if of_a_process.match(line)
    }
    assert not {key for key in lost if not any(line.startswith(key) for line in settings[profile])}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-profile", "google_lifesciences"], ["-profile googlebatch"]),
        (
            ["-profile", "awsbatch,gpu", "--simulate"],
            ["needs --container", "needs --queue", "needs --cloud_region", "needs --gpu_queue"],
        ),
        (["-profile", "slurm", "--simulate", "--cluster_options", "-A lab; rm -rf /"], ["--cluster_options"]),
        (["-profile", "docker", "--simulate", "--container", "image$(id)"], ["--container"]),
    ],
)
def test_what_a_place_lacks_is_told_in_one_line_each(
    arguments: list[str], says: list[str], tmp_path: Path
) -> None:
    run = subprocess.run(
        [NEXTFLOW, "run", ROOT, "-stub", "--outdir", tmp_path / "results", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env=dict(os.environ, NXF_OFFLINE="true"),
    )
    errors = [
        line for line in (run.stderr + run.stdout).splitlines() if line.startswith("deepcohort: error:")
    ]
    assert run.returncode == 2, run.stdout + run.stderr
    assert len(errors) == len(says), errors
    for error, part in zip(errors, says, strict=True):
        assert part in error
