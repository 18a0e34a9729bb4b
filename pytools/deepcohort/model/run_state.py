"""What a training run was started from, kept in its checkpoints: a run with other inputs is refused."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.config import TrainConfig
from deepcohort.pileup.config import PileupConfig, encoder_signature
from deepcohort.pileup.shards import ExampleSet

NETWORKS = ("small", "cnn")
_IDENTITY, _CPU_S = "deepcohort_run", "deepcohort_cpu_s"
_WORDS = {"settings": "settings", "examples": "examples", "init_from": "--init-from"}


def settings_digest(config: TrainConfig) -> str:
    """Of everything but where and how fast a run goes."""
    values = {k: v for k, v in asdict(config).items() if k not in ("device", "devices", "threads")}
    text = repr((sorted(values.items()), repr(sorted(encoder_signature(PileupConfig()).items()))))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def examples_digest(opened: ExampleSet) -> str:
    """Of the examples' contents in their order; folders may be moved or renamed."""
    digest = hashlib.blake2b(digest_size=12)
    for bucket in opened.buckets:
        for path in bucket:
            try:
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "blake2b").digest())
            except OSError as error:
                raise DeepcohortError(
                    f"example file {path} cannot be read ({error}); make the examples again"
                ) from error
        digest.update(b"bucket")
    return digest.hexdigest()


def identify(config: TrainConfig, opened: ExampleSet, init_from: str | Path | None) -> dict[str, str]:
    """What decides the weights of a run: settings, examples, and the model that it starts from.

    Raises:
        DeepcohortError: examples or model that cannot be read.
    """
    start = ""
    if init_from is not None:
        try:
            start = hashlib.blake2b(Path(init_from).read_bytes(), digest_size=12).hexdigest()
        except OSError as error:
            raise DeepcohortError(f"model {init_from} cannot be read ({error})") from error
    return {"settings": settings_digest(config), "examples": examples_digest(opened), "init_from": start}


def checkpoint_path(output: Path, network: str) -> Path:
    """Where the last state of a network is kept."""
    return output / "checkpoints" / network / "last.ckpt"


def _load(last: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(last, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DeepcohortError(
            f"checkpoint {last} is damaged; remove it to start this network again, or give --fresh"
        ) from error
    return saved


def checkpoint_to_resume(last: Path, identity: Mapping[str, str]) -> str | None:
    """The checkpoint to go on from, None where there is none.

    Raises:
        DeepcohortError: damaged, or of a run with other settings, examples or first weights.
    """
    if not last.exists():
        return None
    found = _load(last).get(_IDENTITY)
    if not isinstance(found, dict):
        raise DeepcohortError(
            f"checkpoint {last} was made by another deepcohort; name another --output or give --fresh"
        )
    other = [words for key, words in _WORDS.items() if found.get(key, "") != identity.get(key, "")]
    if other:
        raise DeepcohortError(
            f"checkpoint {last} belongs to a run with other {' and other '.join(other)}; "
            "name another --output or give --fresh"
        )
    return str(last)


def stopped_early(last: Path) -> bool:
    """Whether the run of a checkpoint had stopped for want of better validation: it is at its end."""
    states = _load(last).get("callbacks", {})
    return any(
        state["wait_count"] >= state["patience"]
        for name, state in states.items()
        if name.startswith("EarlyStopping")
    )


def load_weights(module: nn.Module, path: Path) -> None:
    """Give `module` the weights of a checkpoint, where there is one."""
    if path.exists():
        module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["state_dict"])


def begin(output: Path, identity: Mapping[str, str], resume: bool) -> float:
    """Check what an earlier run left in `output`, or (without `resume`) remove its checkpoints.

    Returns:
        CPU seconds that earlier attempts of this run took up to their last checkpoint.

    Raises:
        DeepcohortError: see `checkpoint_to_resume`; nothing was changed then.
    """
    paths = [checkpoint_path(output, network) for network in NETWORKS]
    if not resume:
        for path in paths:
            path.unlink(missing_ok=True)
        return 0.0
    kept = [path for path in paths if checkpoint_to_resume(path, identity)]
    return max((float(_load(path).get(_CPU_S, 0.0)) for path in kept), default=0.0)


class CpuClock:
    """CPU seconds of a run: those of earlier attempts, and of this process since it was made."""

    def __init__(self, before_s: float = 0.0) -> None:
        self._before_s, self._started_s = before_s, time.process_time()

    def seconds(self) -> float:
        """All of them."""
        return self._before_s + time.process_time() - self._started_s


def mark(checkpoint: dict[str, Any], identity: Mapping[str, str], clock: CpuClock) -> None:
    """Write into a checkpoint whose it is and what it cost so far."""
    checkpoint[_IDENTITY] = dict(identity)
    checkpoint[_CPU_S] = clock.seconds()
