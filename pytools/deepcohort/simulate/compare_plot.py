"""One picture of all curves of a comparison."""

from pathlib import Path

import numpy as np

from deepcohort.simulate.curve import Curve

_COLUMNS = 3
_LOG = ("mismatches by cycle", "mismatches by quality", "homopolymer", "dinucleotide", "candidates")


def plot_curves(path: Path, real: list[Curve], simulated: list[Curve]) -> None:
    """Write a PNG with a panel per curve, real against simulated."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = -(-len(real) // _COLUMNS)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(5.2 * _COLUMNS, 3.1 * rows), squeeze=False)
    for panel, a, b in zip(axes.flat, real, simulated, strict=False):
        shown = np.flatnonzero((a.n > 0) | (b.n > 0))
        labels = [a.x[i] for i in shown]
        for curve, style, name in ((a, "o-", "real"), (b, "s--", "simulated")):
            values = np.where(curve.n[shown] > 0, curve.value[shown], np.nan)
            panel.plot(np.arange(len(shown)), values, style, markersize=2.5, linewidth=1, label=name)
        step = max(1, len(shown) // 12)
        panel.set_xticks(np.arange(len(shown))[::step], labels[::step], rotation=60, fontsize=7)
        panel.set_title(a.name, fontsize=9)
        panel.set_xlabel(a.axis, fontsize=8)
        if any(word in a.name for word in _LOG):
            panel.set_yscale("symlog", linthresh=1.0 if "per Mb" in a.name else 1e-5)
        panel.legend(fontsize=7)
        panel.grid(alpha=0.3)
    for panel in axes.flat[len(real) :]:
        panel.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=90, format="png", metadata={"Software": None})
    plt.close(figure)
