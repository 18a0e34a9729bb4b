"""The whole table of settings: with each value, training by the real path learns the tiny task."""

from dataclasses import replace

import numpy as np
import pytest
from deepcohort.model import config as choices
from deepcohort.model.data import ExampleData
from deepcohort.model.lit import lr_factor
from deepcohort.model.net import FeatureNet, PileupNet
from deepcohort.model.train import fit, network_logits, prepare, standardise
from deepcohort.pileup.features import N_FEATURES, F
from deepcohort.pileup.shards import ExampleWriter, open_examples
from model_builders import PILEUP, TINY, tiny_examples
from pytorch_lightning.callbacks import Callback

BASE = replace(TINY, lr=0.03, small_epochs=6, epochs=4, dropout=0.0)
RATES = {"sgd": 0.1, "rmsprop": 0.01, "adagrad": 0.1, "adadelta": 3.0, "adam": 0.03, "adamw": 0.03}
TABLE = [
    *({"optimiser": name, "lr": RATES[name]} for name in choices.OPTIMISERS),
    *({"initialisation": name} for name in choices.INITIALISATIONS),
    *({"decay": name} for name in choices.DECAYS),
    *({"activation": name} for name in choices.ACTIVATIONS),
    *({"loss": name} for name in choices.LOSSES),
    *({"precision": name} for name in choices.PRECISIONS),
    *({"batch_size": size} for size in (64, 128, 256)),
    *({"momentum": value, "optimiser": "sgd", "lr": 0.1} for value in (0.0, 0.5, 0.99)),
    *({"ema": value} for value in (0.0, 0.99)),
    {"l1": 1e-4},
    {"l2": 1e-2},
    {"dropout": 0.3},
    {"label_smoothing": 0.1},
    {"clip_gradient": 0.0},
    {"warmup_steps": 10},
    {"class_weights": (1.0, 2.0, 1.0), "loss": "class_weighted"},
]
# what the base has is trained once, not once a setting
TABLE = [{}, *(change for change in TABLE if replace(BASE, **change) != BASE)]


def name_of(change):
    return ",".join(f"{k}={v}" for k, v in change.items()) or "base"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Examples whose ALT fraction tells the label, and whose other features are silent."""
    folder = tmp_path_factory.mktemp("table") / "examples"
    examples = tiny_examples(500, noise=0.08)
    told = [F.vaf, F.lod_het]
    kept = examples.features[:, told].copy()
    examples.features[:] = 0
    examples.features[:, told] = kept
    with ExampleWriter(folder, PILEUP, "illumina", 0, n_buckets=2) as writer:
        writer.add(examples)
    return open_examples([folder])


class _Watch(Callback):
    """The learning rate after every step."""

    def __init__(self):
        self.rates = []

    def on_train_batch_end(self, trainer, *args):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


def trained(opened, config, folder, kind=FeatureNet):
    """A network trained by `fit`, its share of right answers on the validation part, and the rates it used."""
    prepare(config)
    data = ExampleData(opened, config, with_pixels=kind is PileupNet)
    net = (
        FeatureNet(config, N_FEATURES) if kind is FeatureNet else PileupNet(config, PILEUP.shape, N_FEATURES)
    )
    standardise([net], data, keep=False)
    watch = _Watch()
    epochs = config.small_epochs if kind is FeatureNet else config.epochs
    net = fit(net, data, epochs, config, folder, "net", resume=False, quiet=True, callbacks=[watch])
    logits = network_logits(net, data, data.validation)
    return net, (logits.argmax(axis=1) == data.validation.label).mean(), watch.rates


@pytest.mark.parametrize("change", TABLE, ids=name_of)
def test_every_setting_learns(opened, tmp_path, change):
    """A third would be chance; a setting that breaks training stays there."""
    config = replace(BASE, **change)
    if config.batch_size > 64:  # fewer steps an epoch
        config = replace(config, small_epochs=12)
    _, right, rates = trained(opened, config, tmp_path)
    assert right > 0.55
    expected = [config.lr * lr_factor(k + 1, len(rates), config) for k in range(len(rates))]
    # the plan counts whole batches; the last, partial one makes it a few steps longer
    np.testing.assert_allclose(rates[0], expected[0], rtol=0.1)
    if config.decay != "none":
        assert rates[-1] < 0.1 * config.lr
    else:
        assert rates[-1] == config.lr


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("precision", choices.PRECISIONS)
def test_the_cnn_learns_with_and_without_batch_norm(opened, tmp_path, batch_norm, precision):
    config = replace(BASE, batch_norm=batch_norm, precision=precision)
    _, right, _ = trained(opened, config, tmp_path, PileupNet)
    assert right > 0.55


@pytest.mark.parametrize(
    "penalty", [{"l1": 0.02}, {"l2": 0.5, "optimiser": "adamw"}, {"l2": 0.05, "optimiser": "adam"}]
)
def test_penalties_shrink_the_weights(opened, tmp_path, penalty):
    def size(config, folder):
        net, _, _ = trained(opened, replace(config, ema=0.0), tmp_path / folder)
        return sum(float(p.abs().sum()) for p in net.parameters() if p.ndim > 1)

    free = replace(BASE, l1=0.0, l2=0.0, **{k: v for k, v in penalty.items() if k == "optimiser"})
    assert size(replace(free, **penalty), "bound") < 0.8 * size(free, "free")
