"""What a CUDA device must give: the CPU's probabilities, whatever the batches, and models that can be remade."""

import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from deepcohort.compose.call_run import run_call
from deepcohort.compose.call_setup import CallRequest, make_job
from deepcohort.compose.call_shard import ShardConfig, call_shard
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.model.archive import read_model
from deepcohort.model.load import load_predictor
from deepcohort.model.train import train
from model_builders import TINY, random_sites, tiny_examples, write_tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def probabilities(device, pixels, features, model="auto"):
    predictor = load_predictor(model, device=device, cascade=False)
    return predictor.predict_lazily(features, lambda rows: pixels[rows])


def test_the_shipped_model_gives_what_the_cpu_gives():
    pixels, features = random_sites("illumina", 2_500)
    np.testing.assert_allclose(
        probabilities("cuda", pixels, features), probabilities("cpu", pixels, features), atol=2e-5
    )


def test_batches_do_not_show():
    pixels, features = random_sites("illumina", 1_500)
    predictor = load_predictor("auto", device="cuda", cascade=False)
    whole = predictor.predict_lazily(features, lambda rows: pixels[rows])
    for size in (1, 7, 640):
        parts = [
            predictor.predict_lazily(
                features[a : a + size], lambda rows, a=a, size=size: pixels[a : a + size][rows]
            )
            for a in range(0, min(1_500, 60 * size), size)
        ]
        joined = np.concatenate(parts)
        np.testing.assert_array_equal(joined, whole[: len(joined)])


def called(folder, device, cascade, chunk_bp, threads=1):
    """Text of the gVCF of the small genome in `folder`."""
    reference, bams, _ = write_warm_inputs(folder)
    request = CallRequest(
        (bams[0],), reference, gvcf=folder / f"{device}.g.vcf.gz", device=device, cascade=cascade
    )
    job, predictor = make_job(request)
    job = replace(job, shard_config=ShardConfig(max_chunk_bp=chunk_bp, threads=threads))
    call_shard(job, predictor, quiet=True)
    return gzip.decompress(request.gvcf.read_bytes()).decode()


@pytest.mark.parametrize("cascade", [True, False])
def test_calls_are_the_cpus(tmp_path, cascade):
    def genotypes(text):
        rows = [line.split("\t") for line in text.splitlines() if line[0] != "#"]
        return [(x[1], x[3], x[4], x[9].split(":")[0]) for x in rows]

    on_cpu = called(tmp_path, "cpu", cascade, 5_000)
    on_gpu = called(tmp_path, "cuda", cascade, 5_000)
    assert genotypes(on_gpu) == genotypes(on_cpu)
    assert called(tmp_path, "cuda", cascade, 700, threads=4) == on_gpu


def test_call_says_on_which_device(tmp_path):
    reference, bams, _ = write_warm_inputs(tmp_path)
    profile = tmp_path / "profile.json"
    run_call(
        CallRequest(
            (bams[0],), reference, gvcf=tmp_path / "x.g.vcf.gz", device="cuda", cascade=False,
            region=(f"{CONTIG}:1-{LENGTH_BP}",), profile_json=profile, quiet=True,
        )
    )  # fmt: skip
    assert '"painted"' in profile.read_text()


def weights_digest(model):
    return hashlib.sha256(read_model(model).weights).hexdigest()


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_learns_and_can_be_repeated(tmp_path, precision):
    config = replace(TINY, device="cuda", precision=precision)
    examples = write_tiny(tmp_path / "examples")
    runs = [train([examples], tmp_path / name, config, quiet=True) for name in ("a", "b")]
    on_cpu = train([examples], tmp_path / "cpu", TINY, quiet=True)
    assert weights_digest(runs[0].model) == weights_digest(runs[1].model)
    errors, cpu_errors = (x.metrics["cascade"]["errors"] for x in (runs[0], on_cpu))
    assert errors <= cpu_errors + 6
    sites = tiny_examples(200, seed=4)
    p = probabilities("cuda", sites.pixels, sites.features, str(runs[0].model))
    assert (p.argmax(axis=1) == sites.label).mean() > 0.8
