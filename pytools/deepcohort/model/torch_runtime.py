"""The CNN on CUDA: bf16, channels_last, pinned memory."""

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import ModelFile
from deepcohort.model.config import config_from_dict
from deepcohort.model.net import FeatureNet, PileupNet
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
        cnn.load_state_dict(weights["cnn"])
        small.load_state_dict(weights["small"])
    except (KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DeepcohortError(f"model {model.path}: its weights do not fit its config ({reason})") from error
    return cnn.eval(), small.eval()


class CudaRuntime:
    """PileupNet in bf16 on the first CUDA device."""

    def __init__(self, model: ModelFile) -> None:
        network, _ = networks_of(model)
        self._network = network.to("cuda", torch.bfloat16).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def logits(self, pixels: NDArray[np.uint8], features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 (B, 3)."""
        x = torch.from_numpy(pixels).pin_memory().to("cuda", non_blocking=True)
        f = torch.from_numpy(np.ascontiguousarray(features)).pin_memory().to("cuda", non_blocking=True)
        x = x.contiguous(memory_format=torch.channels_last)
        out = self._network(x, f.to(torch.bfloat16))
        return np.asarray(out.float().cpu().numpy(), dtype=np.float32)
