"""A model file as a Predictor, on the runtime that suits the device; torch only for CUDA."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.model.archive import ModelFile, find_model, read_model
from deepcohort.model.feature_model_numpy import small_logits
from deepcohort.model.types import DEVICES, N_CLASSES
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.types import ExampleBatch

MODES = ("both", "cnn", "small")

N = TypeVar("N", np.float32, np.float64)
PixelsOf = Callable[[NDArray[np.int64]], NDArray[np.uint8]]
Logits = Callable[[], NDArray[np.float32]]


class CnnRuntime(Protocol):
    """Runs the CNN on `device` (cpu or cuda); `batch` is the number of examples that suits it best."""

    device: str
    batch: int

    def start(self, pixels: NDArray[np.uint8], features: NDArray[np.float32]) -> Logits:
        """Begin a batch; what is returned waits for its logits, float32 (B, 3).

        The arrays may be filled anew as soon as this returns.
        """
        ...


class CascadePredictor:
    """The feature model where it is sure, mean of it and the CNN elsewhere.

    Attributes:
        name, version: for the VCF header. platform: of the reads that it was trained on. config: encoder
            settings of this model.
        cascade: False sends every site through the CNN, where the model has use for it.
        mode: both, or cnn or small alone (to measure what each is worth).
        device: where the CNN runs, cpu or cuda.
        limits: float32 (F,) twice, what nearly all training examples' features lie between.
        n_sites, n_cnn: sites seen so far, and those that went through the CNN.
    """

    def __init__(
        self, model: ModelFile, runtime: CnnRuntime | None, cascade: bool, mode: str = "both"
    ) -> None:
        self.name: str = model.about["name"]
        self.version: str = model.about["version"]
        self.platform: str = model.about["platform"]
        self.config: PileupConfig = model.pileup
        self.cascade = cascade
        self.mode = mode
        self.n_sites = 0
        self.n_cnn = 0
        self._path = model.path
        self._small = model.small
        self.limits = model.small["low"], model.small["high"]
        self._activation: str = model.about["activation"]
        self.device = runtime.device if runtime else "cpu"
        self._weights = np.array(model.cnn_weights, np.float32)
        self._settle = float(model.about["settle_confidence"])
        self._probabilities = {part: model.probabilities(part) for part in ("small", "cnn", "both")}
        self._runtime = runtime

    def predict(self, examples: ExampleBatch) -> NDArray[np.float32]:
        """Calibrated probabilities, float32 (B, N_CLASSES), rows sum to 1."""
        return self.predict_lazily(examples.features, lambda rows: examples.pixels[rows])

    def predict_lazily(self, features: NDArray[np.float32], pixels_of: PixelsOf) -> NDArray[np.float32]:
        """Probabilities of sites by their features; `pixels_of` gives the pixels of ascending rows."""
        n = len(features)
        self.n_sites += n
        small = small_logits(features, self._small, self._activation)
        p = self._finite(self._probabilities["small"](self._finite(small), features))
        if self.mode == "small" or not n:
            return np.asarray(p, dtype=np.float32).reshape(n, N_CLASSES)
        hard = np.arange(n)
        if self.cascade and self.mode == "both":
            hard = np.nonzero(p.max(axis=1) < self._settle)[0]
        logits = small[hard]
        if self._runtime is not None:
            if self.mode == "cnn":
                logits = self._cnn_logits(hard, features, pixels_of)
            else:
                self._mix_in_cnn(logits, hard, features, pixels_of)
        p[hard] = self._finite(self._probabilities[self.mode](self._finite(logits), features[hard]))
        return np.asarray(p, dtype=np.float32).reshape(n, N_CLASSES)

    def _mix_in_cnn(
        self,
        logits: NDArray[np.float32],
        rows: NDArray[np.int64],
        features: NDArray[np.float32],
        pixels_of: PixelsOf,
    ) -> None:
        """Mean with the CNN's logits, in place, of those ascending `rows` at whose type it has a say."""
        share = np.where(features[rows, F.is_snp] > 0, self._weights[0], self._weights[1])
        asked = np.flatnonzero(share > 0)
        cnn = self._cnn_logits(rows[asked], features, pixels_of)
        own = share[asked, None]
        logits[asked] = own * cnn + (1 - own) * logits[asked]

    def _finite(self, values: NDArray[N]) -> NDArray[N]:
        """`values` (logits, probabilities), once they are seen to be numbers.

        Raises:
            DeepcohortError: NaN or infinity, which would pass for the absence of every variant.
        """
        if not np.isfinite(values).all():
            raise DeepcohortError(
                f"model {self._path} gives NaN or infinity instead of probabilities; fetch or train it again"
            )
        return values

    def _cnn_logits(
        self, rows: NDArray[np.int64], features: NDArray[np.float32], pixels_of: PixelsOf
    ) -> NDArray[np.float32]:
        """Logits float32 (len(rows), 3) of the CNN for the ascending `rows`."""
        assert self._runtime is not None
        self.n_cnn += len(rows)
        batch = self._runtime.batch
        chunks = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        # begun one after the other and asked for afterwards: a GPU works while the next is painted
        begun = [self._runtime.start(pixels_of(own), features[own]) for own in chunks]
        return np.concatenate([np.empty((0, N_CLASSES), np.float32), *(logits() for logits in begun)])


class OnnxRuntime:
    """ONNX Runtime on `threads` CPU threads."""

    device = "cpu"
    batch = 64  # its pixels (half a MB) and activations stay in cache: a quarter faster than 256

    def __init__(self, model: ModelFile, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._path = model.path
        try:
            self._session = onnxruntime.InferenceSession(
                model.onnx, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has no common base class of its own
            raise DeepcohortError(
                f"model {model.path}: its network cannot be loaded ({_first_line(error)})"
            ) from error
        self.start(np.zeros((1, *model.pileup.shape), np.uint8), np.zeros((1, N_FEATURES), np.float32))

    def start(self, pixels: NDArray[np.uint8], features: NDArray[np.float32]) -> Logits:
        """Logits float32 (B, 3), computed at once.

        Raises:
            DeepcohortError: the network fails, or gives anything but finite numbers of this shape.
        """
        try:
            out = self._session.run(["logits"], {"pixels": pixels, "features": features})[0]
        except Exception as error:  # as above
            raise DeepcohortError(
                f"model {self._path}: its network cannot be run ({_first_line(error)})"
            ) from error
        logits = np.asarray(out)
        if logits.dtype != np.float32 or logits.shape != (len(pixels), N_CLASSES):
            raise DeepcohortError(
                f"model {self._path}: its network gives {logits.dtype} {logits.shape}, "
                f"not float32 {(len(pixels), N_CLASSES)}; fetch or train it again"
            )
        if not np.isfinite(logits).all():
            raise DeepcohortError(f"model {self._path}: its network gives NaN or infinity; train it again")
        return lambda: logits


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def load_predictor(
    model: str = "auto",
    platform: str = "illumina",
    device: str = "auto",
    cascade: bool = True,
    threads: int = 1,
    mode: str = "both",
) -> CascadePredictor:
    """The Predictor of a model file, or of the shipped model for `platform` ("auto").

    `device`: cpu (ONNX Runtime, never imports torch), cuda (torch), or auto: cuda where torch sees a
    device and, without a cascade, the network has work that is worth torch's start.

    Raises:
        DeepcohortError: no such model, a damaged one, one of another encoder or platform, or no CUDA.
    """
    if mode not in MODES:
        raise DeepcohortError(f"model mode '{mode}' is unknown; choose from {', '.join(MODES)}")
    file = read_model(find_model(model, platform))
    if file.about["platform"] != platform:
        raise DeepcohortError(
            f"model {file.path} was trained for {file.about['platform']} reads, these are {platform}; "
            "give --platform or another --model"
        )
    runtime: CnnRuntime | None = None
    if device not in DEVICES:
        raise DeepcohortError(f"device '{device}' is unknown; choose from {', '.join(DEVICES)}")
    # a CNN that training found to add nothing to the features is not asked
    if mode == "cnn" or (mode == "both" and max(file.cnn_weights) > 0):
        runtime = _cuda_runtime(file, device, cascade) or OnnxRuntime(file, threads)
    return CascadePredictor(file, runtime, cascade, mode)


def _cuda_runtime(file: ModelFile, device: str, cascade: bool) -> CnnRuntime | None:
    if device == "cpu":
        return None
    # after the cascade the network has less to do than the 4 s that torch takes to start
    if device == "auto" and (cascade or not _nvidia_driver()):
        return None
    from deepcohort.model.torch_runtime import CudaRuntime, cuda_available

    if cuda_available():
        return CudaRuntime(file)
    if device == "cuda":
        raise DeepcohortError("no CUDA device is usable here; run with --device cpu")
    return None


def _nvidia_driver() -> bool:
    from pathlib import Path

    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
