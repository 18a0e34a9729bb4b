"""One tiny trained model for all tests of the room."""

from types import SimpleNamespace

import pytest
from model_builders import TINY, write_tiny


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """Folders of examples and of a finished run, and its result."""
    from deepcohort.model.train import train

    root = tmp_path_factory.mktemp("tiny")
    examples = write_tiny(root / "examples")
    result = train([examples], root / "run", TINY, quiet=True)
    return SimpleNamespace(examples=examples, output=root / "run", model=result.model, result=result)
