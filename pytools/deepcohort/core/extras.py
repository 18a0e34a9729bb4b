"""Which extra of the package brings what a command lacks."""

_OF_PACKAGE = {
    **dict.fromkeys(
        ("torch", "pytorch_lightning", "lightning_fabric", "optuna", "onnx", "tensorboard"), "train"
    ),
    **dict.fromkeys(("sqlalchemy", "alembic"), "train"),
    **dict.fromkeys(("msprime", "demes", "tskit", "pybwa"), "simulate"),
    **dict.fromkeys(("matplotlib", "multiqc"), "report"),
    **dict.fromkeys(("bio2zarr", "zarr"), "export"),
    "sklearn": "popgen",
    "mappy": "longreads",
}


def remedy_for(module: str) -> str:
    """What to do where the Python module `module` is missing: in an environment of set-up, in any other."""
    top = module.split(".")[0]
    extra = _OF_PACKAGE.get(top)
    if extra is None:
        return "run: make setup"
    setup = "make setup TRAIN=1" if extra == "train" else "make setup"
    return f"run: {setup}, or: pip install 'deepcohort[{extra}]'"
