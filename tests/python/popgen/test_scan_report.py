"""Pictures of a scan of an assembly with many contigs."""

from types import SimpleNamespace

import numpy as np
from deepcohort.popgen.scan import Window
from deepcohort.popgen.scan_report import draw_genome, multiqc_content

MODEL = SimpleNamespace(labels=("neutral", "sweep"), about={"name": "m", "version": "1"})


class Axes:
    """Counts what is drawn."""

    def __init__(self):
        self.lines = []

    def plot(self, x, y, *_, **more):
        self.lines.append((list(x), list(y), more["color"]))

    def set_xticks(self, places, names, **_):
        self.ticks = list(zip(places, names, strict=True))

    def set_ylim(self, *_):
        pass

    set_ylabel = set_ylim


def test_a_line_for_each_colour_however_many_contigs():
    windows = [Window(f"c{k}", 0, 1_000_000, 0, 9) for k in range(300)]
    axes = Axes()
    draw_genome(axes, windows, np.arange(300) / 300, MODEL)
    assert [len(x) for x, _, _ in axes.lines] == [150, 150]
    assert axes.lines[0][1][:2] == [0, 2 / 300]
    draw_genome(
        axes, [Window("a", 0, 100, 0, 9), Window("a", 100, 200, 0, 9), windows[0]], [0.1, 0.2, 0.3], MODEL
    )
    assert [name for _, name in axes.ticks] == ["a", "c0"]
    first, second = axes.lines[2:]
    assert (first[1], second[1]) == ([0.1, 0.2], [0.3])
    assert first[0] == [50 / 1e6, 150 / 1e6]
    assert second[0][0] > first[0][1]


def scanned(names):
    windows = [Window(name, n * 1_000, n * 1_000 + 900, 0, 9) for name in names for n in range(names[name])]
    return SimpleNamespace(
        windows=windows,
        judged=np.ones(len(windows), bool),
        judgement=SimpleNamespace(p=np.full((len(windows), 2), 0.5), misfit=np.zeros(len(windows))),
        extremes=SimpleNamespace(told="told"),
    )


def test_multiqc_gets_the_contigs_with_most_windows():
    few = multiqc_content(scanned({"a": 1, "b": 2}), MODEL)
    assert list(few["data"]) == ["a", "b"]
    assert "drawn" not in few["description"]
    many = multiqc_content(scanned({f"c{k}": 2 if k % 4 == 3 else 1 for k in range(400)}), MODEL)
    assert list(many["data"]) == [f"c{k}" for k in range(400) if k % 4 == 3]
    assert "Of 400 contigs the 100 with most windows are drawn." in many["description"]
