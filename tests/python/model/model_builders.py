"""A task so small that training takes a second: the ALT fraction and one feature tell the label."""

import numpy as np
from deepcohort.model.archive import find_model, read_model
from deepcohort.model.config import TrainConfig
from deepcohort.model.torch_runtime import networks_of
from deepcohort.pileup.config import CHANNELS, PileupConfig
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.shards import Examples, ExampleWriter

PILEUP = PileupConfig(rows=8, flank_bp=4, min_group_rows=1)
TINY = TrainConfig(
    read_channels=(4, 6),
    site_channels=(8,),
    feature_units=8,
    head_units=8,
    small_units=(8,),
    epochs=4,
    small_epochs=12,
    batch_size=32,
    small_batch_size=32,
    warmup_steps=0,
    validation_share=0.2,
    test_share=0.2,
    dropout=0.05,
    lr=0.02,
    ema=0.9,
    device="cpu",
    threads=1,
    seed=5,
)


def tiny_examples(n=600, seed=0, noise=0.15):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n).astype(np.int8)
    pixels = rng.integers(0, 60, (n, *PILEUP.shape), dtype=np.uint8)
    support = CHANNELS.index("support")
    vaf = np.clip(label / 2 + rng.normal(0, noise, n), 0, 1)
    for i in range(n):
        rows = int(rng.integers(3, PILEUP.rows + 1))
        alt = round(vaf[i] * rows)
        pixels[i, support] = 0
        pixels[i, support, :rows] = 85
        pixels[i, support, :alt] = 255
        pixels[i, :, rows:] = 0
    features = (0.3 * rng.normal(size=(n, N_FEATURES))).astype(np.float32)
    features[:, F.lod_het] = vaf > 0.25
    features[:, F.vaf] = vaf
    stretch = rng.integers(0, 2**32, n, dtype=np.uint32)
    return Examples(pixels, features, label, stretch, np.arange(n, dtype=np.int64))


def write_tiny(path, n=600, seed=0, platform="illumina", noise=0.15):
    with ExampleWriter(path, PILEUP, platform, seed, n_buckets=2) as writer:
        writer.add(tiny_examples(n, seed, noise))
    return path


def random_sites(platform, n, seed=3):
    """Random pixels and features that the shipped model of `platform` could meet."""
    file = read_model(find_model("auto", platform))
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, *file.pileup.shape), dtype=np.uint8)
    pixels[:, CHANNELS.index("support")] = rng.choice([40, 85, 170, 255], (n, file.pileup.shape[1], 1))
    standardise = networks_of(file)[1].standardise
    sd = 1 / np.maximum(standardise.scale.numpy(), 1e-4)
    features = rng.normal(standardise.mean.numpy(), sd, (n, N_FEATURES)).astype(np.float32)
    features[:, F.is_snp] = rng.integers(0, 2, n)
    return pixels, features
