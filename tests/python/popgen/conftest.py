"""A small trained model, made once."""

import pytest
from deepcohort.popgen.config import Observation
from deepcohort.popgen.shards import simulate
from deepcohort.popgen.train import train
from popgen_builders import QUICK, small_task


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """(simulations, result, folder) of a training run of a few seconds, haplotypes or individuals."""
    folder = tmp_path_factory.mktemp("popgen")
    made = simulate(small_task(folder), 320, folder / "sims", seed=3, quiet=True)
    result = train(made, folder / "run", QUICK, Observation(phased="both"), quiet=True)
    return made, result, folder
