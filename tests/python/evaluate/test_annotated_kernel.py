"""Compared records as VCF lines, written a second time by plain Python."""

import random

import numpy as np
from deepcohort.evaluate.annotate_kernels import Side, Words, allele_keys, format_contig

VOCABULARY = ["TP:gm", "FP:.", "N:am", "", "matched", "GT:BD:BK:BI:QQ"]


def words() -> Words:
    text = np.frombuffer("".join(VOCABULARY).encode(), np.uint8)
    return Words(text, np.cumsum([0, *map(len, VOCABULARY)]))


def random_records(rng: random.Random):
    """Sorted (pos, REF, ALT, GT, word, why, sync, qual x 100)."""
    rows = set()
    while len(rows) < 12:
        rows.add((rng.randrange(8), rng.choice(["A", "AC", "ACGT"]), rng.choice(["C", "CC,*", "<DEL>"])))
    return [
        (*row, rng.choice(["", "0/1", "1|2"]), rng.randrange(3), rng.randrange(3, 5), rng.choice([0, 7, 120]),
         rng.choice([-1, 0, 5, 1_900, 12_345, 3_007])) for row in sorted(rows, key=lambda r: (r[0], len(r[1])))
    ]  # fmt: skip


def side_of(records) -> Side:
    """The records among others that are not written."""
    texts = [f"{ref}\t{alt}{gt}" for _, ref, alt, gt, *_ in records]
    column = lambda k, dtype: np.array([r[k] for r in records], dtype)  # noqa: E731
    length = lambda k: np.array([len(r[k]) for r in records], np.int32)  # noqa: E731
    return Side(
        np.arange(len(records))[2:], np.frombuffer("".join(texts).encode(), np.uint8).copy(),
        np.cumsum([0, *map(len, texts)])[:-1], column(0, np.int32), length(1), length(2), length(3),
        column(4, np.uint8), column(5, np.uint8), column(6, np.int32), column(7, np.int64),
    )  # fmt: skip


def sample(record) -> str:
    if record is None:
        return ".:.:.:.:."
    *_, gt, word, why, _, qual = record
    whole, cents = divmod(qual, 100)
    text = "." if qual < 0 else f"{whole}.{cents:02d}" if cents else str(whole)
    return f"{gt or '.'}:{VOCABULARY[word]}:{VOCABULARY[why]}:{text}"


def test_records_are_written_by_position_and_equal_ones_on_one_line():
    rng = random.Random(1)
    for _ in range(30):
        calls, truth = random_records(rng), random_records(rng)
        text = format_contig(np.frombuffer(b"chr9", np.uint8), words(), side_of(calls), side_of(truth))
        want, left, right = [], calls[2:], truth[2:]
        while left or right:
            c, t = (left or [None])[0], (right or [None])[0]
            if c and t and c[0] == t[0]:
                if c[1:3] == t[1:3]:
                    pair = (c, t)
                else:  # the shorter REF first, of equals the truth's
                    pair = (None, t) if len(t[1]) <= len(c[1]) else (c, None)
            elif c and (not t or c[0] < t[0]):
                pair = (c, None)
            else:
                pair = (None, t)
            left, right = left[pair[0] is not None :], right[pair[1] is not None :]
            pos, ref, alt, *_, sync, _ = pair[0] or pair[1]
            info = f"BS={sync}" if sync else "."
            fields = [
                "chr9",
                str(pos + 1),
                ".",
                ref,
                alt,
                ".",
                ".",
                info,
                VOCABULARY[-1],
                sample(pair[1]),
                sample(pair[0]),
            ]
            want.append("\t".join(fields) + "\n")
        assert text.tobytes().decode() == "".join(want)


def test_alleles_have_the_hash_of_their_text():
    records = random_records(random.Random(2))
    side = side_of(records)
    rows = np.array([5, 0, 11], np.int64)
    keys = allele_keys(side.pool, side.pool_offset, side.pos, side.ref_len, side.alt_len, rows)
    for key, i in zip(keys.tolist(), rows, strict=True):
        pos, ref, alt, *_ = records[i]
        value = 14695981039346656037
        for byte in pos.to_bytes(4, "little") + f"{ref}\t{alt}".encode():
            value = (value ^ byte) * 1099511628211 % 2**64
        assert key == value
