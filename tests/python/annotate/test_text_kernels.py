"""Kernels of annotation that read text: against Python that splits lines."""

import random
import re

import numpy as np
import pytest
from deepcohort.annotate import genotype_kernels as gk
from deepcohort.annotate import line_kernels as lk
from deepcohort.annotate import table_kernels as tk
from deepcohort.annotate.allele_kernels import (
    INDEL,
    MNV,
    OUTSIDE,
    REF_DIFFERS,
    SNV,
    find_columns,
    judge_allele,
)


def ascii_array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def fnv(data: bytes) -> int:
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


# ------------------------------------------------------------------------------------------------ samples

CALLS = ["0/1", "1|0", "0|0", "2|2", "./1", "1/.", ".", "./.", "1", "0", "0/1/1", "1|2", "10/1", "x/1"]


def random_lines(rng: random.Random, n_samples: int) -> list[list[str]]:
    lines = []
    for i in range(8):
        keys = rng.choice([["GT"], ["GT", "PS"], ["DP", "GT", "PS"], ["DP"], ["PS", "GTX", "GT"]])
        cells = []
        for _ in range(n_samples):
            values = {"GT": rng.choice(CALLS), "PS": rng.choice([".", "71", "8"]), "DP": "5", "GTX": "9"}
            cells.append(":".join([values[k] for k in keys][: rng.randint(1, len(keys))]))
        head = ["c", str(i + 1), ".", "A", "C", ".", ".", "."]
        lines.append([*head, ":".join(keys), *cells] if rng.random() < 0.9 else head)
    return lines


def whole_number(text: str) -> int:
    return int(text) if text.isdigit() else -1


def carried(line: list[str]) -> list[tuple[int, int, int, int]]:
    """(sample, haplotype, ALT, phase set) of a line."""
    out = []
    keys = line[8].split(":") if len(line) > 8 else []
    for s, cell in enumerate(line[9:]):
        values = dict(zip(keys, cell.split(":"), strict=False))
        gt = values.get("GT", "") if "GT" in keys else None
        if gt is None:
            continue
        alleles = re.split(r"[/|]", gt)
        numbers = [whole_number(a) for a in alleles]
        if len(alleles) == 1:
            out += [(s, 0, numbers[0], gk.ALL_SETS)] if numbers[0] > 0 else []
            continue
        if len(alleles) > 2 or (numbers[1] < 0 and alleles[1] != "."):
            continue
        place = gk.NO_SET
        if numbers[0] == numbers[1]:
            place = gk.ALL_SETS
        elif "|" in gt:
            ps = whole_number(values.get("PS", "")) if "PS" in keys else -1
            place = ps if ps >= 0 else gk.WHOLE_CONTIG
        out += [(s, h, numbers[h], place) for h in (0, 1) if numbers[h] > 0]
    return out


def test_carriers_of_alleles_are_listed():
    rng, n_rows = random.Random(1), 0
    for _ in range(40):
        lines = random_lines(rng, 4)
        text = ascii_array("".join("\t".join(line) + "\n" for line in lines))
        columns = np.empty((len(lines), 10), np.int64)
        assert find_columns(text, columns) == -1
        chosen = np.array(rng.sample(range(8), 5), np.int64)
        want = [(k, *row) for k, r in enumerate(chosen.tolist()) for row in carried(lines[r])]
        out = np.full((100, 5), 77, np.int64)
        assert gk.list_carriers(text, columns, chosen, out) == len(want)
        assert [tuple(row) for row in out[: len(want)].tolist()] == want
        short = np.full((2, 5), 77, np.int64)  # as many as there is room for are filled
        assert gk.list_carriers(text, columns, chosen, short) == len(want)
        assert short.tolist() == out[:2].tolist()
        n_rows += len(want)
    assert n_rows > 200


def test_values_of_samples_are_read():
    rng = random.Random(2)
    for _ in range(40):
        cells = [
            ":".join(rng.choice(["7", "12", ".", "x", ""]) for _ in range(rng.randint(1, 3)))
            for _ in range(5)
        ]
        text, key = "lead\t" + "\t".join(cells), rng.randrange(3)
        room = rng.choice([5, 3])
        out = np.full(room, 99, np.int64)
        assert gk.read_samples(ascii_array(text + "\n"), 5, len(text), key, out) == room
        values = [[*cell.split(":"), "", "", ""][key] for cell in cells]
        assert out.tolist() == [whole_number(v) for v in values][:room]

        gts = [rng.choice(CALLS) for _ in range(5)]
        text = "\t".join(f"4:{gt}:PASS" for gt in gts)
        alleles, phased = np.full((5, 2), 99, np.int64), np.zeros(5, np.bool_)
        assert gk.read_genotypes(ascii_array(text), 0, len(text), 1, alleles, phased) == 5
        for s, gt in enumerate(gts):
            numbers = [whole_number(a) for a in re.split(r"[/|]", gt)]
            want = [-3, -3] if len(numbers) > 2 else [*numbers, -2][:2]
            assert alleles[s].tolist() == want
            assert phased[s] == ("|" in gt)


# ------------------------------------------------------------------------------------------------- tables


def test_keys_of_a_table_are_found():
    rng = random.Random(3)
    for _ in range(40):
        which = rng.sample(range(6), 4)
        rows = [
            [rng.choice(["c1", "c10", "c2"]), str(rng.randint(1, 10**9)), rng.choice(["A", "ACG"]), rng.choice(["C", "G,TT"])]
            for _ in range(6)
        ]  # fmt: skip
        lines, places = [], []
        for row in rows:
            fields = ["extra"] * rng.randint(max(which) + 1, 8)
            for column, value in zip(which, row, strict=True):
                fields[column] = value
            at = sum(map(len, lines))
            starts = [at + sum(len(f) + 1 for f in fields[:column]) for column in which]
            places.append([at, starts[0], starts[0] + len(row[0]), int(row[1]) - 1, *(
                x for k in (2, 3) for x in (starts[k], starts[k] + len(row[k]))
            )])  # fmt: skip
            lines.append("\t".join(fields) + rng.choice(["\n", "\r\n"]))
        text, out = ascii_array("".join(lines)), np.zeros((6, 8), np.int64)
        assert lk.scan_table(text, np.array(which), out) == (6, 0)
        assert out.tolist() == places
        new = np.zeros(6, np.bool_)
        lk.new_contigs(text, out, new)
        assert new.tolist() == [k == 0 or rows[k][0] != rows[k - 1][0] for k in range(6)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [("c\t5\tA", 1), ("c\tx\tA\tC", 2), ("c\t0\tA\tC", 2), ("c\t\tA\tC", 2), ("c\t123456789012\tA\tC", 2)],
)
def test_faults_of_a_table_are_named(line, fault):
    text = ascii_array(f"c\t4\tA\tC\n{line}\n")
    assert lk.scan_table(text, np.arange(4), np.zeros((2, 8), np.int64)) == (1, fault)


def test_lines_are_matched_by_allele():
    rng = random.Random(4)
    reference = "".join(rng.choices("ACGT", k=20)) + "A" * 6 + "".join(rng.choices("ACGTN", k=20))
    shift, matched = 10, 0
    for _ in range(40):
        rows = []
        for _ in range(6):
            p = rng.randrange(12, 44)
            ref = reference[p : p + rng.choice([1, 1, 2])]
            ref = rng.choice(["A", "C"]) + ref[1:] if rng.random() < 0.2 else ref
            alts = [
                rng.choice(["T", "G", ref + "A", ref[0], "*", "<X>", "", "GG"])
                for _ in range(rng.randint(1, 3))
            ]
            rows.append((p, ref, ",".join(alts)))
        rows.append((200, "A", "C"))  # beyond the reference at hand
        text = "".join(f"c\t{p + 1}\t{ref}\t{alt}\n" for p, ref, alt in rows)
        lines = np.zeros((7, 8), np.int64)
        assert lk.scan_table(ascii_array(text), np.arange(4), lines) == (7, 0)
        bases, scratch = ascii_array(reference), np.zeros(shift + 9, np.uint8)
        judged = []  # by the kernel for one allele, which has tests of its own
        for r, (p, ref, alts) in enumerate(rows):
            for number, alt in enumerate(alts.split(",")):
                if alt:
                    own = ascii_array(f"{ref}{alt}")
                    kind, *_, key = judge_allele(
                        own, 0, len(ref), len(ref), len(own), p, bases, 0, shift, scratch
                    )
                    judged.append((r, number, kind, int(key)))
        variants = [j for j in judged if j[2] in (SNV, MNV, INDEL)]
        wrong = [j for j in judged if j[2] == REF_DIFFERS]
        assert any(j[2] == OUTSIDE for j in judged)
        keys = sorted({j[3] for j in rng.sample(variants, len(variants) // 2)} | {5, 2**63})
        want = [[keys.index(key), r, number] for r, number, _, key in variants if key in keys]
        out, tally = np.zeros((30, 3), np.int64), np.full(3, 9, np.int64)
        n = lk.match_lines(
            ascii_array(text), lines, bases, 0, shift, scratch, np.array(keys, np.uint64), out, tally
        )
        assert out[:n].tolist() == want
        assert tally.tolist() == [len(variants) + len(wrong), len(wrong), wrong[0][0] if wrong else -1]
        few = np.zeros((1, 3), np.int64)
        assert (
            lk.match_lines(
                ascii_array(text), lines, bases, 0, shift, scratch, np.array(keys, np.uint64), few, tally
            )
            == n
        )
        matched += n
    assert matched > 30


# ----------------------------------------------------------------------------------------- AlphaMissense

CLASSES = ["benign", "likely_benign", "ambiguous", "pathogenic", "likely_pathogenic"]
COLUMNS = 9


def random_row(rng: random.Random, contig: str, pos: int) -> list[str]:
    score = rng.choice(["0.5", "1", "1.0", "0.1234", "0", "0.12340"])
    change = f"{rng.choice('VLA')}{rng.randint(1, 65_535)}{rng.choice('MKZ')}"
    names = rng.choice([("ENST1", "P1"), ("ENST1", "P2"), ("ENST10", "P1")])
    return [
        contig,
        str(pos),
        rng.choice("ACGTacgt"),
        rng.choice("ACGT"),
        names[0],
        change,
        score,
        rng.choice(CLASSES),
        names[1],
    ]


def room(n: int):
    parsed = tk.ParsedRows(
        np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n, np.uint16), np.zeros(n, np.uint8),
        np.zeros(n, np.uint16), np.zeros(n, np.uint16),
    )  # fmt: skip
    return parsed, tk.Breaks(np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros((n, 6), np.int64))


def test_rows_of_the_genomic_table_are_parsed():
    rng = random.Random(5)
    for _ in range(30):
        order = rng.sample(range(COLUMNS), COLUMNS)  # the columns may stand in any order
        rows = []
        for contig in ("chr1", "chr2"):
            rows += [random_row(rng, contig, p) for p in sorted(rng.choices(range(1, 99), k=4))]
        with_uniprot = rng.random() < 0.7
        text = "".join("\t".join(row[k] for k in order) + rng.choice(["\n", "\r\n"]) for row in rows)
        which = np.array([order.index(k) for k in range(COLUMNS)], np.int64)
        which[tk.UNIPROT] = which[tk.UNIPROT] if with_uniprot else -1
        parsed, breaks = room(len(rows))
        assert tk.parse_rows(ascii_array(text), which, parsed, breaks) == (len(rows), 0)
        for i, (contig, pos, ref, alt, transcript, change, score, group, protein) in enumerate(rows):
            assert parsed.pos[i] == int(pos) - 1
            assert parsed.code[i] == "ACGT".index(ref.upper()) * 4 + "ACGT".index(alt)
            assert parsed.score[i] == round(float(score) * 10_000)
            assert parsed.klass[i] == ["benign", "ambiguous", "pathogenic"].index(
                group.removeprefix("likely_")
            )
            assert parsed.aa_pos[i] == int(change[1:-1])
            assert parsed.aa[i] == (ord(change[0]) - 65) * 32 + ord(change[-1]) - 65
            before = rows[i - 1] if i else [None] * COLUMNS
            assert breaks.new_contig[i] == (contig != before[0])
            same = transcript == before[4] and (protein == before[8] or not with_uniprot)
            assert breaks.new_pair[i] == (not same)
            if breaks.new_contig[i] or breaks.new_pair[i]:
                names = [text[a:b] for a, b in breaks.places[i].reshape(3, 2).tolist()]
                assert names == [contig, transcript, protein if with_uniprot else ""]


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        (tk.POS, "0", tk.BAD_POS), (tk.POS, "x", tk.BAD_POS), (tk.POS, "2147483647", tk.BAD_POS), (tk.REF, "N", tk.BAD_BASE),
        (tk.ALT, "AC", tk.BAD_BASE), (tk.VARIANT, "V2", tk.BAD_VARIANT), (tk.VARIANT, "V0L", tk.BAD_VARIANT),
        (tk.VARIANT, "V65536L", tk.BAD_VARIANT), (tk.VARIANT, "v2L", tk.BAD_VARIANT), (tk.SCORE, "1.0001", tk.BAD_SCORE),
        (tk.SCORE, "0.12345", tk.BAD_SCORE), (tk.SCORE, ".5", tk.BAD_SCORE), (tk.SCORE, "0.1.2", tk.BAD_SCORE),
        (tk.SCORE, "", tk.BAD_SCORE), (tk.CLASS, "likely", tk.BAD_CLASS), (tk.CLASS, "benigm", tk.BAD_CLASS),
        (tk.POS, "4", tk.UNSORTED), (None, "", tk.FEW_COLUMNS),
    ],
)  # fmt: skip
def test_faults_of_the_genomic_table_are_named(column, value, fault):
    good = ["chr1", "5", "A", "C", "ENST1", "V2L", "0.5", "ambiguous", "P1"]
    bad = good[:3] if column is None else [value if k == column else v for k, v in enumerate(good)]
    text = "".join("\t".join(row) + "\n" for row in (good, bad, good))
    assert tk.parse_rows(ascii_array(text), np.arange(9), *room(3)) == (1, fault)


def test_positions_of_lines():
    lines = ["c1\t5\tx", "c1\t2147483646\t", "c10\t17\ty\tz"]
    text = "".join(line + "\n" for line in lines)
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])[:-1].astype(np.int64)
    pos, new = np.zeros(3, np.int32), np.zeros(3, np.bool_)
    assert tk.scan_places(ascii_array(text), starts, pos, new) == -1
    assert (pos.tolist(), new.tolist()) == ([4, 2_147_483_645, 16], [True, False, True])
    for bad in ("c1", "c1\t", "c1\t0\tx", "c1\tx5\tx", "c1\t2147483647\tx", "c1\t5"):
        spoilt = ascii_array("c1\t5\tx\n" + bad + "\n")
        assert tk.scan_places(spoilt, np.array([0, 7], np.int64), pos, new) == 1
    keep, out = np.array([True, False, True]), np.zeros(99, np.uint8)
    n = tk.copy_lines(ascii_array(text), np.append(starts, len(text)), keep, out)
    assert out[:n].tobytes().decode() == lines[0] + "\n" + lines[2] + "\n"


def test_alleles_are_looked_up():
    rng = random.Random(6)
    for _ in range(40):
        pos = np.array(sorted(rng.choices(range(60), k=rng.choice([0, 1, 40]))), np.int32)
        code = np.array([rng.randrange(3) for _ in pos], np.uint8)
        query = rng.choices(range(62), k=15)
        query = np.array(sorted(query) if rng.random() < 0.6 else query, np.int64)
        wanted = np.array([rng.randrange(4) for _ in query], np.int64)
        first, count = np.zeros(15, np.int64), np.zeros(15, np.int64)
        tk.lookup(pos, code, query, wanted, first, count)
        rows = [
            [i for i in range(len(pos)) if pos[i] == q and code[i] == w]
            for q, w in zip(query, wanted, strict=True)
        ]
        assert first.tolist() == np.searchsorted(pos, query).tolist()
        assert count.tolist() == [len(r) for r in rows]
        out = np.zeros(int(count.sum()), np.int64)
        tk.gather(code, wanted, first, count, out)
        assert out.tolist() == [i for r in rows for i in r]
        keep = np.zeros(len(pos), np.bool_)
        tk.keep_positions(pos, np.unique(query), keep)
        assert keep.tolist() == [p in set(query.tolist()) for p in pos.tolist()]


def test_substitutions_are_found_by_protein_and_change():
    rng = random.Random(7)
    rows = [
        [f"P{rng.randrange(4)}", f"V{rng.randrange(1, 4)}L", f"0.{rng.randrange(999)}", rng.choice(CLASSES)]
        for _ in range(30)
    ]
    text = "".join("\t".join(row) + "\n" for row in rows)
    keys = sorted({fnv(f"{a}\t{b}".encode()) for a, b, *_ in rows[:4]})
    out = np.zeros((30, 4), np.int64)
    n, n_lines, fault = tk.find_substitutions(ascii_array(text), np.arange(4), np.array(keys, np.uint64), out)
    starts = np.cumsum([0, *(len("\t".join(r)) + 1 for r in rows)]).tolist()
    groups = ["benign", "ambiguous", "pathogenic"]
    want = [
        [
            keys.index(fnv(f"{a}\t{b}".encode())),
            round(float(score) * 10_000),
            groups.index(group.removeprefix("likely_")),
            at,
        ]
        for (a, b, score, group), at in zip(rows, starts, strict=False)
        if fnv(f"{a}\t{b}".encode()) in keys
    ]
    assert (n_lines, fault) == (30, 0)
    assert out[:n].tolist() == want
    for bad, expected in (
        ("P0\tV1L\t7\tbenign", tk.BAD_SCORE),
        ("P0\tV1L\t0.5\tx", tk.BAD_CLASS),
        ("P0\tV1L", tk.FEW_COLUMNS),
    ):
        key = np.array([fnv(b"P0\tV1L")], np.uint64)
        assert tk.find_substitutions(ascii_array(bad + "\n"), np.arange(4), key, out) == (0, 0, expected)
