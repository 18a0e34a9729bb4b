"""One real run that several tests look at."""

import pytest
from nextflow_runs import Run, nextflow


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The `test` profile, for real: a trio simulated, called, genotyped, evaluated and reported; reads are tagged."""
    run = nextflow(tmp_path_factory.mktemp("real"), "-profile", "test", "--outdir", "out", "--haplotag")
    assert run.status == 0, run.text
    return run
