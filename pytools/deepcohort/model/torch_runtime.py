"""The CNN on CUDA: channels_last, pinned memory, batches of one shape."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import ModelFile
from deepcohort.model.config import config_from_dict
from deepcohort.model.net import FeatureNet, PileupNet
from deepcohort.model.types import N_CLASSES
from deepcohort.pileup.features import N_FEATURES


def cuda_available() -> bool:
    """Whether torch sees a CUDA device."""
    return bool(torch.cuda.is_available())


def read_weights(model: ModelFile) -> dict[str, Any]:
    """State dicts of a model file: cnn and small.

    Raises:
        DeepcohortError: damaged, or holds anything but tensors.
    """
    try:
        weights: dict[str, Any] = torch.load(io.BytesIO(model.weights), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here
        reason = str(error).splitlines()[0]
        raise DeepcohortError(f"model {model.path}: its weights cannot be read ({reason})") from error
    return weights


def networks_of(model: ModelFile) -> tuple[PileupNet, FeatureNet]:
    """Both networks of a model file, in evaluation mode on the CPU."""
    config = config_from_dict(model.about["train"])
    weights = read_weights(model)
    cnn = PileupNet(config, model.pileup.shape, N_FEATURES)
    small = FeatureNet(config, N_FEATURES)
    try:
        for part in ("cnn", "small"):
            for name, tensor in weights[part].items():
                if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                    raise ValueError(f"{part} {name} holds NaN or infinity")
        cnn.load_state_dict(weights["cnn"])
        small.load_state_dict(weights["small"])
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DeepcohortError(f"model {model.path}: its weights do not fit its config ({reason})") from error
    return cnn.eval(), small.eval()


@contextmanager
def _full_device_told() -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise DeepcohortError(
            "the memory of the CUDA device is full; let fewer processes share it (--threads of call, "
            "--gpu_workers of the pipeline) or run with --device cpu"
        ) from error


PRECISIONS = ("float32", "tf32", "bf16")


class CudaRuntime:
    """PileupNet on the first CUDA device.

    Every batch has the same shape on the device, however few examples it holds: libraries choose kernels
    by shape, and so neither chunks nor shards show in the logits.
    """

    device = "cuda"
    batch = 512  # 1,024 are no faster and take twice the memory

    def __init__(self, model: ModelFile, precision: str = "float32") -> None:
        network, _ = networks_of(model)
        self._precision = precision
        shape = (self.batch, *model.pileup.shape)
        with _full_device_told():
            self._network = network.to("cuda").to(memory_format=torch.channels_last)
            self._pixels = torch.zeros(shape, dtype=torch.uint8, device="cuda")
            self._features = torch.zeros((self.batch, N_FEATURES), device="cuda")
            self._slots = [_Staging(shape) for _ in range(2)]
            self._forward()  # takes its memory now, before there is work to lose

    @torch.inference_mode()
    def start(
        self, pixels: NDArray[np.uint8], features: NDArray[np.float32]
    ) -> Callable[[], NDArray[np.float32]]:
        """Begin a batch of at most `batch` examples; what is returned waits for logits, float32 (B, 3)."""
        n = len(pixels)
        staging = self._slots[0]
        self._slots.reverse()  # while one is copied from, the other is filled
        staging.fill(pixels, features)
        self._pixels[:n].copy_(staging.pixels[:n], non_blocking=True)
        self._features[:n].copy_(staging.features[:n], non_blocking=True)
        staging.sent.record()
        on_host = torch.empty((n, N_CLASSES), pin_memory=True)
        on_host.copy_(self._forward()[:n], non_blocking=True)
        ready = torch.cuda.Event()
        ready.record()

        def logits() -> NDArray[np.float32]:
            ready.synchronize()
            return np.asarray(on_host.numpy(), dtype=np.float32)

        return logits

    @torch.inference_mode()
    def _forward(self) -> torch.Tensor:
        tf32 = self._precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        with (
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32),
            torch.autocast("cuda", torch.bfloat16, enabled=self._precision == "bf16"),
        ):
            logits: torch.Tensor = self._network(self._pixels, self._features)
        return logits.float()


class _Staging:
    """Page-locked memory for one batch, which the device copies from by itself."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.pixels = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        self.features = torch.empty((shape[0], N_FEATURES), pin_memory=True)
        self.sent = torch.cuda.Event()

    def fill(self, pixels: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        """Take a batch, once the one before it has left."""
        self.sent.synchronize()
        self.pixels[: len(pixels)].numpy()[...] = pixels
        self.features[: len(features)].numpy()[...] = features
