"""Example folders: whole, shuffled, bounded; and the randomisation of reads."""

import json

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.pileup.augment import (
    NATURAL,
    AugmentConfig,
    augment_reads,
    random_quality_map,
    subset_reads,
)
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.features import N_FEATURES
from deepcohort.pileup.shards import MANIFEST, Examples, ExampleWriter, open_examples, stretch_id
from hypothesis import given, settings
from hypothesis import strategies as st
from pileup_builders import random_evidence

CONFIG = PileupConfig(rows=4, flank_bp=4, min_group_rows=1)


def some_examples(n, seed=0):
    rng = np.random.default_rng(seed)
    return Examples(
        rng.integers(0, 255, (n, *CONFIG.shape), dtype=np.uint8),
        rng.normal(size=(n, N_FEATURES)).astype(np.float32),
        rng.integers(0, 3, n).astype(np.int8),
        rng.integers(0, 50, n).astype(np.uint32),
        np.arange(n, dtype=np.int64),
    )


def write(path, examples, seed=1, **kind):
    with ExampleWriter(path, CONFIG, kind.get("platform", "illumina"), seed, n_buckets=3, chunk=20) as writer:
        for start in range(0, len(examples), 17):
            writer.add(examples.take(np.arange(start, min(start + 17, len(examples)))))


def test_everything_comes_back_once_in_another_order(tmp_path):
    examples = some_examples(200)
    write(tmp_path / "a", examples)
    opened = open_examples([tmp_path / "a"])
    back = Examples.concatenate(list(opened.read_all()), opened.config)
    assert opened.labels == tuple(np.bincount(examples.label).tolist())
    assert back.pos.tolist() != examples.pos.tolist()
    order = np.argsort(back.pos)
    for name in ("pixels", "features", "label", "stretch", "pos"):
        np.testing.assert_array_equal(getattr(back.take(order), name), getattr(examples, name))
    thin = Examples.concatenate([opened.read_bucket(0, with_pixels=False)], CONFIG)
    assert thin.pixels.size == 0
    np.testing.assert_array_equal(thin.features, opened.read_bucket(0).features)


def test_same_seed_same_bytes(tmp_path):
    for name in "ab":
        write(tmp_path / name, some_examples(60))
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_folders_join(tmp_path):
    write(tmp_path / "a", some_examples(30))
    write(tmp_path / "b", some_examples(40, seed=2))
    assert sum(len(x) for x in open_examples([tmp_path / "a", tmp_path / "b"]).read_all()) == 70
    write(tmp_path / "c", some_examples(30), platform="ont")
    with pytest.raises(DeepcohortError, match="one model per platform"):
        open_examples([tmp_path / "a", tmp_path / "c"])


def test_damage_is_one_clear_line(tmp_path):
    write(tmp_path / "a", some_examples(60))
    chunk = sorted((tmp_path / "a").glob("*.npz"))[0]
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(DeepcohortError, match="damaged"):
        list(open_examples([tmp_path / "a"]).read_all())
    manifest = tmp_path / "a" / MANIFEST
    values = json.loads(manifest.read_text())
    values["encoder"]["encoder_version"] = -1
    manifest.write_text(json.dumps(values))
    with pytest.raises(DeepcohortError, match="another encoder version"):
        open_examples([tmp_path / "a"])
    manifest.write_text("{")
    with pytest.raises(DeepcohortError, match="damaged"):
        open_examples([tmp_path / "a"])
    with pytest.raises(DeepcohortError, match="no finished examples"):
        open_examples([tmp_path])
    with pytest.raises(DeepcohortError, match="no examples given"):
        open_examples([])


def interrupted(path):
    with ExampleWriter(path, CONFIG, "illumina", 1) as writer:
        writer.add(some_examples(5))
        raise KeyboardInterrupt


def test_an_interrupted_run_leaves_no_manifest(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "a")
    assert not (tmp_path / "a" / MANIFEST).exists()
    write(tmp_path / "b", some_examples(5))
    with pytest.raises(DeepcohortError, match="already"):
        ExampleWriter(tmp_path / "b", CONFIG, "illumina", 1)


def test_stretch_names_are_stable():
    assert stretch_id("chr20", 5) == stretch_id("chr20", 5) != stretch_id("chr20", 6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_quality_maps_are_monotone_with_few_levels(seed):
    config = AugmentConfig()
    mapped = random_quality_map(np.random.default_rng(seed), config)
    assert mapped[0] == 0
    assert (np.diff(mapped[1:].astype(int)) >= 0).all()
    assert len(np.unique(mapped[1:])) <= config.max_bins
    assert mapped[60] >= 26


def test_subset_keeps_rows_whole():
    reads = random_evidence(1)[0].reads
    keep = np.arange(len(reads)) % 3 == 0
    part = subset_reads(reads, keep)
    assert len(part) == keep.sum()
    for new, old in enumerate(np.nonzero(keep)[0]):
        for name, offset in (("seq", "seq_offset"), ("qual", "seq_offset"), ("cigar_len", "cigar_offset")):
            a, b = getattr(part, offset), getattr(reads, offset)
            np.testing.assert_array_equal(
                getattr(part, name)[a[new] : a[new + 1]], getattr(reads, name)[b[old] : b[old + 1]]
            )


def test_augmentation_thins_towards_the_target_and_is_repeatable():
    reads = random_evidence(1, length=4000, n_reads=4000)[0].reads
    config = AugmentConfig(min_coverage=10, max_coverage=10, keep_coverage=0, keep_quality=0)
    a = augment_reads(reads, 4000, np.random.default_rng(3), config)
    b = augment_reads(reads, 4000, np.random.default_rng(3), config)
    coverage = float((a.end - a.pos).sum()) / 4000
    assert 8.5 < coverage < 11.5
    np.testing.assert_array_equal(a.qual, b.qual)
    assert len(np.unique(a.qual)) <= config.max_bins + 1
    untouched = AugmentConfig(keep_coverage=1, keep_quality=1)
    assert augment_reads(reads, 4000, np.random.default_rng(3), untouched) is reads


def test_natural_examples_keep_qualities_at_any_depth():
    reads = random_evidence(1, length=4000, n_reads=4000)[0].reads
    quality_of = {
        (int(h), int(f)): reads.qual[a:z].tobytes()
        for h, f, a, z in zip(
            reads.name_hash, reads.flag, reads.seq_offset[:-1], reads.seq_offset[1:], strict=True
        )
    }
    coverages = []
    for seed in range(40):
        made = augment_reads(reads, 4000, np.random.default_rng(seed), NATURAL)
        coverages.append(float((made.end - made.pos).sum()) / 4000)
        row = int(np.random.default_rng(seed).integers(len(made)))
        a, z = made.seq_offset[row : row + 2]
        assert made.qual[a:z].tobytes() == quality_of[int(made.name_hash[row]), int(made.flag[row])]
    thinned = [c for c in coverages if c < 0.9 * max(coverages)]
    assert len(thinned) > 25
    assert min(thinned) < 10
    assert max(thinned) > 20
