"""What Nextflow counts as free on this machine, beside what a task may ask for."""

import os
import re
import subprocess

import pytest
from nextflow_runs import NEXTFLOW, REPOSITORY

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize("profile", ["standard", "singularity", "apptainer", "conda"])
def test_the_count_of_what_is_free_has_some_to_spare(profile, tmp_path):
    """A lost update of that count would leave the largest task waiting for ever."""
    said = subprocess.run(
        [str(NEXTFLOW), "config", "-flat", "-profile", profile, str(REPOSITORY)],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("NXF_")} | {"NXF_HOME": str(tmp_path / "nxf")},
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    limits = re.search(r"process.resourceLimits = \[cpus:(\d+), memory:'(\d+) GB'", said)
    assert limits
    counted = {k: int(v) for k, v in re.findall(r"executor\.\$local\.(cpus|memory) = '?(\d+)", said)}
    assert counted["cpus"] == int(limits[1]) + 2
    assert counted["memory"] >= int(limits[2]) + 2
