"""Phase written into lines, by a plain Python that splits them."""

import random

import numpy as np
from deepcohort.phase.kernels_text import phase_lines


def line(pos: int, alt: str, keys: str, cell: str) -> str:
    return f"chr1\t{pos + 1}\t.\tACG\t{alt}\t50\tPASS\tEND=7\t{keys}\t{cell}\n"


def random_line(rng: random.Random, pos: int) -> str:
    if rng.random() < 0.3:
        return line(pos, "<NON_REF>", "GT:GQ", "0/0:9")
    gt = rng.choice(["0/1", "1/2", "0/10", "12/3"])
    return line(pos, "A,<NON_REF>", *(("GT:GQ:DP", gt + ":17:8") if rng.random() < 0.7 else ("GT", gt)))


def phased(text: str, flipped: bool, block: int, quality: int) -> str:
    *fields, keys, cell = text.rstrip("\n").split("\t")
    gt, *rest = cell.split(":")
    first, second = gt.split("/")
    gt = f"{second}|{first}" if flipped else f"{first}|{second}"
    cell = ":".join([gt, *rest, str(block + 1), str(quality)])
    return "\t".join([*fields, keys + ":PS:PQ", cell]) + "\n"


def test_phase_is_written_where_it_is_known():
    rng = random.Random(3)
    for _ in range(40):
        places = sorted(rng.sample(range(100), 12))
        texts = [random_line(rng, p) for p in places]
        known = {p: (rng.random() < 0.5, rng.randrange(10_000), rng.randrange(1_000)) for p in places[::2]}
        known |= {p: (True, 5, 5) for p in range(100) if p not in places and p % 9 == 0}  # of no line
        pos = sorted(known)
        starts = np.cumsum([0, *map(len, texts)])[:-1]
        lines = np.array([(p, p + 3, s) for p, s in zip(places, starts, strict=True)], np.int64)
        flipped, block, quality = (list(c) for c in zip(*(known[p] for p in pos), strict=True))
        out, new, n, wrong = phase_lines(
            np.frombuffer("".join(texts).encode(), np.uint8), lines, np.array(pos, np.int64),
            np.array(flipped), np.array(block, np.int64), np.array(quality, np.int32),
        )  # fmt: skip
        changes = [p in known and "\t<NON_REF>" not in t for p, t in zip(places, texts, strict=True)]
        want = [phased(t, *known[p]) if c else t for p, t, c in zip(places, texts, changes, strict=True)]
        assert out.tobytes().decode() == "".join(want)
        assert (n, wrong) == (sum(changes), -1)
        assert new[:, 2].tolist() == np.cumsum([0, *map(len, want)])[:-1].tolist()
        assert (new[:, :2] == lines[:, :2]).all()


def test_a_line_that_cannot_be_phased_is_named():
    one = np.ones(1, np.int64)
    for cell in ("0|1:9", "./1:9", "0", "0/1/2", "1/."):
        texts = [line(0, "A", "GT", "0/1"), line(1, "A", "GT:GQ", cell)]
        lines = np.array([(0, 3, 0), (1, 4, len(texts[0]))], np.int64)
        text = np.frombuffer("".join(texts).encode(), np.uint8)
        assert phase_lines(text, lines, one, one > 1, one, one.astype(np.int32))[2:] == (0, 1)
