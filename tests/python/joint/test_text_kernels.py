"""Kernels that read gVCF lines and write phase into lines: against Python that splits them."""

import random

import numpy as np
import pytest
from deepcohort.formats import vcf_check_kernels as vc
from deepcohort.joint import columns as c
from deepcohort.joint import parse_kernels as pk
from deepcohort.joint import sample_kernels as sk
from deepcohort.joint import statistical_kernels as st
from deepcohort.joint.phase_kernels import FAMILY_SET, Lineage, SiteCalls
from deepcohort.joint.phase_text_kernels import CELL_BYTES, LINE_BYTES, put_phase

NO_STATED = np.empty((0, 2), np.int64)


def ascii_array(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def parsed(
    text: str, start: int = 0, until: int = 10_000, bases: str = "", stated=NO_STATED, end: int = 9_000
):
    """`parse_records` of the lines of contig c1, 5,000 bp long."""
    held = text.encode()
    wanted = pk.Wanted(ascii_array("c1"), 5_000, start, until, stated, end, 0, 0)
    words = np.frombuffer(held, np.uint64, count=len(held) // 8)
    return pk.parse_records(np.frombuffer(held, np.uint8), words, wanted, pk.Bases(ascii_array(bases), 100))


FILTERS = {".": 0, "PASS": 0, "LowQual": 0, "RefCall;Disputed": 0, "Bad": 1, "PASS;Bad": 1}
INFOS = {
    ".": {}, "MQ=57.6": {c.MQ_SQ: 57, c.MQ_N: 0}, "RAW_MQandDP=720000,200;X": {c.MQ_SQ: 720_000, c.MQ_N: 200},
    "MQRankSum=-1.25;Y=END=9": {c.RANKS + 1: -1250}, "ReadPosRankSum=0.4567;MQ=.": {c.RANKS + 2: 456, c.MQ_SQ: 0, c.MQ_N: 0},
    "BaseQRankSum=NaN": {},
}  # fmt: skip
CALLS = {  # GT: GT0, GT1, PS where FORMAT has none
    "0/0": (0, 0, -1), "0/1": (0, 1, -1), "1|0": (1, 0, 0), "./.": (-1, -1, -1), ".": (-1, -2, -1), "1": (1, -2, -1),
    ".|1": (-1, 1, 0), "|0/1": (0, 1, -1),
}  # fmt: skip


def random_values(rng: random.Random, gt: str, n_alleles: int):
    """FORMAT, cell, and the columns and lists (by column) that they come down to."""
    first, second, ps = CALLS[gt]
    want = {
        c.GT0: first,
        c.GT1: second,
        c.PS: ps,
        c.GQ: -1,
        c.DP: -1,
        c.PQ: -1,
        c.PL_N: 0,
        c.AD_N: 0,
        c.SB: -1,
    }
    lists: dict[int, list[int]] = {}
    keys = [("GT", gt)]
    extra = rng.sample(["GQ", "DP", "MIN_DP", "AD", "PL", "SB", "PS", "PQ", "XX"], rng.randint(0, 8))
    for key in extra:
        number = rng.randint(0, 300)
        count = n_alleles * (n_alleles + 1) // 2 if key == "PL" else 4 if key == "SB" else n_alleles
        many = [rng.randint(0, 3_000) for _ in range(count)]
        missing = rng.random() < 0.15
        value = "." if missing else ",".join(map(str, many)) if key in ("AD", "PL", "SB") else str(number)
        keys.append((key, value))
        if missing:
            continue
        if key == "GQ":
            keys[-1] = (key, rng.choice([value, value + ".9"]))
            want[c.GQ] = number
        elif key == "MIN_DP" or (key == "DP" and ("MIN_DP", want[c.DP]) not in keys and want[c.DP] < 0):
            want[c.DP] = number
        elif key in ("PS", "PQ") and ps >= 0:
            want[c.PS if key == "PS" else c.PQ] = number
        elif key in ("AD", "PL", "SB"):
            lists[{"AD": c.AD, "PL": c.PL, "SB": c.SB}[key]] = many
    return ":".join(k for k, _ in keys), ":".join(v for _, v in keys), want, lists


def random_record(rng: random.Random, pos: int):
    """A line of contig c1, what its row holds, its lists and its allele text."""
    is_block = rng.random() < 0.5
    ref = rng.choice("ACg") if is_block else rng.choice(["A", "acG"])
    alts = (
        ["<NON_REF>"] if is_block else rng.choice([["T"], ["T", "<NON_REF>"], ["*", "ta", "<*>"], ["<DEL>"]])
    )
    end = pos + rng.randint(1, 30) if is_block else pos + len(ref)
    info, more = (f"END={end}", {}) if is_block else rng.choice(list(INFOS.items()))
    verdict, barred = rng.choice(list(FILTERS.items()))
    keys, cell, want, lists = random_values(rng, rng.choice(list(CALLS)), len(alts) + 1)
    unseen = [i + 1 for i, a in enumerate(alts) if a in ("<NON_REF>", "<*>")]
    want |= {
        c.POS: pos, c.END: end, c.KIND: c.BLOCK if is_block else c.VARIANT, c.FILTERED: barred, c.N_ALT: len(alts),
        c.REF_LEN: len(ref), c.X: unseen[0] if unseen else -1, c.MQ_SQ: -1, c.MQ_N: -1,
    } | {c.RANKS + k: c.NO_RANK for k in range(c.N_RANKS)} | more  # fmt: skip
    text = "" if is_block else f"{ref}\t{','.join(alts)}".upper()
    line = f"c1\t{pos + 1}\t.\t{ref}\t{','.join(alts)}\t{rng.choice(['.', '9.5'])}\t{verdict}\t{info}\t{keys}\t{cell}"
    return line + rng.choice(["\n", "\r\n"]), end, want, lists, text


def test_records_are_parsed_as_python_splits_them():
    rng = random.Random(1)
    for _ in range(25):
        made, pos = [], rng.randint(0, 50)
        for _ in range(12):
            made.append(random_record(rng, pos))
            pos = made[-1][1] + rng.choice([0, 0, 3])
        lines = [m[0] for m in made]
        start = rng.choice([0, 60])
        text = "#head\n" + "".join(lines) + "c2\t1\t.\tA\t.\n"
        records, starts, numbers, letters, stop, why = parsed(text, start)
        assert (why, stop) == (pk.NEXT_CONTIG, text.index("c2\t"))
        kept = [i for i, m in enumerate(made) if m[1] > start]
        assert starts.tolist() == [6 + sum(map(len, lines[:i])) for i in kept]
        assert len(records) == len(kept)
        for row, i in zip(records, kept, strict=True):
            _, _, want, lists, alleles = made[i]
            want = {k: v for k, v in want.items() if k != c.SB or c.SB not in lists}
            counts = {c.PL: c.PL_N, c.AD: c.AD_N}
            for column, many in lists.items():
                assert numbers[row[column] :][: len(many)].tolist() == many
                if column in counts:
                    want[counts[column]] = len(many)
            assert {k: row[k] for k in want} == want
            assert letters[row[c.SEQ] :][: row[c.SEQ_LEN]].tobytes().decode() == alleles


GOOD = "c1\t101\t.\tA\tC\t.\t.\t.\tGT:PL\t0/1:9,0,9\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("c1\t101\t.\tA\tC\t.\t.\t.\tGT:PL\n", vc.COLUMNS), ("c1\tx\t.\tA\tC\t.\t.\t.\tGT\t0/1\n", vc.BAD_POS),
        ("c1\t0\t.\tA\tC\t.\t.\t.\tGT\t0/1\n", vc.BAD_POS), ("c1\t99\t.\tA\tC\t.\t.\t.\tGT\t0/1\n", pk.UNSORTED),
        ("c1\t101\t.\tA1\tC\t.\t.\t.\tGT\t0/1\n", vc.BAD_REF), ("c1\t101\t.\tA\tC,\t.\t.\t.\tGT\t0/1\n", vc.BAD_ALT),
        ("c1\t101\t.\tA\tC\tx\t.\t.\tGT\t0/1\n", vc.BAD_QUAL), ("c1\t101\t.\tA\tC\t.\t\t.\tGT\t0/1\n", vc.EMPTY),
        ("c1\t101\t.\tA\t.\t.\t.\tEND=100\tGT\t0/0\n", vc.BAD_END), ("c1\t101\t.\tA\tG\t.\t.\t.\tDP:GT\t1:0/1\n", vc.BAD_FORMAT),
        ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:DP:DP\t0/1\n", vc.BAD_FORMAT), ("c1\t101\t.\tA\tG\t.\t.\t.\tGT\t0/1:3\n", vc.SURPLUS),
        ("c1\t101\t.\tA\tG\t.\t.\t.\tGT\t0/2\n", vc.BAD_GT), ("c1\t101\t.\tA\tG\t.\t.\t.\tGT\t0/1/1\n", vc.PLOIDY),
        ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:DP\t0/1:x\n", vc.BAD_VALUE), ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:GQ\t0/1:-1\n", vc.NEGATIVE),
        ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:PL\t0/1:0,9\n", vc.COUNT), ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:AD\t0/1:4\n", vc.COUNT),
        ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:DP:PL\t0/1:3\n", vc.DROPPED), ("c1\t101\t.\tA\tG\t.\t.\t.\tGT:DP\t0/1:\n", vc.EMPTY),
        ("c1\t101\t.\tA\t.\t.\t.\tEND=5001\tGT\t0/0\n", pk.BEYOND), ("c1\t5001\t.\tA\t.\t.\t.\t.\tGT\t0/0\n", pk.BEYOND),
        ("c1\t101\t.\tA\tC\t.\tPASS\t.\tGT:PL\t0/1:9,0,9\n", pk.TWICE), ("c1\t102\t.\tG\tC\t.\t.\t.\tGT\t0/1\n", pk.OTHER_REF),
        ("c1\t101\t.\tA\tC\t.\t.\t.\tGT\t0/\x011\n", vc.BYTE),
    ],
)  # fmt: skip
def test_what_breaks_a_line_ends_the_pass_there(line, fault):
    _, starts, _, _, stop, why = parsed(GOOD + line, bases="ATNN")
    assert (why, stop, starts.tolist()) == (fault, len(GOOD), [0])


@pytest.mark.parametrize(
    ("line", "n"),
    [
        (GOOD, 1),  # the same line again
        ("c1\t103\t.\tC\t.\t.\t.\t.\tGT:PL\t0/1:0,1,2\n", 2),  # the unseen allele counted; REF is not known
        ("c1\t102\t.\tN\t.\t.\t.\t.\tGT\t0/0\n", 2),
        ("c1\t102\t.\tT\tC\t.\t.\t.\tGT:SB\t0/1:3\n", 2),  # another number than ours
        ("c1\t102\t.\tT\tC\t.\tBad\t.\tGT:AD\t./.:-1,-1\n", 2),
        ("c1\t102\t.\tT\tC\t.\t.\t.\tGT:PL\t1:0,1,2\n", 2),
        ("c1\t102\t.\tT\tC\t.\t.\t.\tGT:PL\t1:0,1\n", 2),
    ],
)
def test_what_is_tolerated(line, n):
    records, *_, why = parsed(GOOD + line + "c1\t10001\t.\tA\tC\t.\n", bases="ATNN")
    assert (why, len(records)) == (pk.DONE, n)


def test_a_gap_in_what_the_file_answers_for_is_found():
    block = "c1\t{}\t.\tA\t.\t.\t.\tEND={}\tGT\t0/0\n"
    stated = np.array([[0, 50], [200, 400]], np.int64)
    whole = block.format(1, 50) + block.format(201, 300)
    assert parsed(whole + block.format(301, 400), stated=stated)[-2:] == (
        len(whole) + len(block.format(301, 400)),
        pk.DONE,
    )
    assert parsed(whole + block.format(302, 400), stated=stated)[-2:] == (300, pk.GAP)
    assert parsed(whole, stated=stated)[-2:] == (300, pk.GAP)
    assert parsed(whole, stated=stated, end=300)[-1] == pk.DONE
    rng = random.Random(2)
    for _ in range(60):
        ends = sorted(rng.sample(range(30), 6))
        intervals = np.array(ends, np.int64).reshape(3, 2)
        a, b = sorted(rng.sample(range(32), 2))
        inside = [p for p in range(a, b) if any(x <= p < y for x, y in intervals.tolist())]
        assert pk.first_gap(intervals, a, b) == (inside[0] if inside else -1)


def test_offsets_are_shifted():
    rows = np.zeros((2, c.N_COLUMNS), np.int32)
    rows[:, [c.PL, c.AD, c.SB, c.SEQ, c.POS]] = [[1, 2, 3, 4, 5], [6, 7, -1, 9, 10]]
    pk.shift_offsets(rows, 100, 1_000)
    assert rows[:, [c.PL, c.AD, c.SB, c.SEQ, c.POS]].tolist() == [
        [101, 102, 103, 1004, 5],
        [106, 107, -1, 1009, 10],
    ]


def test_keys_of_format():
    codes = np.zeros(sk.MAX_KEYS, np.int8)
    for text, n in (
        ("GT:XX:XX:GQ", 4),
        ("GT::GQ", -1),
        ("XX:GT", -1),
        ("PL:PL", -1),
        (":".join(["X"] * 65), -1),
    ):
        assert sk.read_format(ascii_array(text), 0, len(text), codes) == n
    names = ["GT", "GQ", "DP", "MIN_DP", "AD", "PL", "SB", "GQX", "GX", "PS", "PQ", "DT", "MIN_XX"]
    text = ":".join(names)
    assert sk.read_format(ascii_array(text), 0, len(text), codes) == len(names)
    assert codes[: len(names)].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 8]


def random_calls(rng: random.Random, n_lines: int, n: int):
    """Cells of lines, the SiteCalls that belong to them, and the text."""
    calls = SiteCalls(
        np.arange(n_lines), np.zeros((n_lines, n, 2), np.int16), np.zeros((n_lines, n), np.int16),
        np.zeros((n_lines, n), np.bool_), np.full((n_lines, n), -1, np.int32), np.zeros((n_lines, n), np.int8),
        np.zeros((n_lines, n), np.int16), np.zeros((n_lines, 2), np.int64),
    )  # fmt: skip
    text, cells = "", []
    for i in range(n_lines):
        row = []
        for s in range(n):
            a, b = sorted([rng.choice([0, 1, 12]), rng.choice([0, 1, 2])])
            calls.gt[i, s] = a, b
            row.append(f"{a}/{b}" + rng.choice(["", ":30", ":30:.", ":9:1,2"]))
            if rng.random() < 0.5:
                calls.read_set[i, s] = rng.choice([0, FAMILY_SET, 4711])
            calls.read_order[i, s], calls.read_pq[i, s] = rng.randint(0, 1), rng.choice([-1, 0, 45])
        begin = len(text)
        text += f"c1\t{i + 1}\t.\tA\tC\t5\tPASS\tAC=1\tGT:GQ:AD\t" + "\t".join(row) + "\n"
        calls.line[i] = begin, len(text)
        cells.append(row)
    return calls, text, cells


def phased_cell(cell: str, turned: bool, ps: int, pq: int) -> list[str]:
    gt, *rest = cell.split(":")
    rest += ["."] * (2 - len(rest))
    gt = "|".join(gt.split("/")[:: -1 if turned else 1])
    return [gt, *rest, str(ps) if ps > 0 else ".", str(pq) if pq >= 0 else "."]


def test_phase_is_put_into_lines():
    rng = random.Random(3)
    lineage = Lineage(
        np.array([[0, 1, 2]], np.int32), np.full(4, -1, np.int32), np.array([True] * 3 + [False])
    )
    for _ in range(30):
        calls, text, cells = random_calls(rng, 4, 4)
        order = np.array([[rng.choice([-1, -1, 0, 1]) for _ in range(4)] for _ in range(4)], np.int8)
        pq = np.array([[rng.choice([-1, 7, 99]) for _ in range(4)] for _ in range(4)], np.int16)
        calls.is_new[:, 0] = [rng.random() < 0.5 for _ in range(4)]
        out = np.zeros(len(text) + 4 * LINE_BYTES + 16 * CELL_BYTES, np.uint8)
        used = put_phase(ascii_array(text), calls, 1, 4, lineage, order, pq, out)
        want = ""
        for i in (1, 2, 3):
            line, row, is_phased = text[slice(*calls.line[i])].split("\t"), [], False
            parents = {int(a) for s in (1, 2) for a in calls.gt[i, s]}
            new = [h for h in (0, 1) if int(calls.gt[i, 0, h]) not in parents]
            knows = calls.is_new[i, 0] and order[i, 0] >= 0 and len(new) == 1
            for s in range(4):
                if order[i, s] >= 0:
                    phase = order[i, s] == 1, FAMILY_SET, pq[i, s]
                elif calls.read_set[i, s] >= 0 and not (s < 3 and calls.read_set[i, s] == FAMILY_SET):
                    phase = calls.read_order[i, s] == 1, calls.read_set[i, s], calls.read_pq[i, s]
                else:
                    row.append(cells[i][s])
                    continue
                is_phased = True
                cell = phased_cell(cells[i][s], *phase)
                if s == 0 and knows:  # of the haplotype that is written first the father is the source
                    cell.append("F" if (new[0] == 1) == (order[i, 0] == 1) else "M")
                row.append(":".join(cell))
            keys = line[8] + (":PS:PQ" + (":DNO" if knows else "") if is_phased else "")
            want += "\t".join([*line[:8], keys, *row]) + "\n"
        assert out[:used].tobytes().decode() == want


def cohort_table(n_lines: int, n: int) -> st.LineTable:
    return st.LineTable(
        np.zeros((n_lines, 7), np.int64), np.zeros((n_lines, 3), np.int16), np.zeros(n_lines, np.int64),
        np.zeros(n_lines, np.bool_), np.zeros((n_lines, n, 2), np.int16), np.zeros((n_lines, n), np.int32),
    )  # fmt: skip


def random_lines(rng: random.Random, n: int):
    """Fields of some lines of a cohort VCF."""
    lines = []
    for i in range(6):
        keys = rng.choice([["GT"], ["GT", "GQ"], ["GT", "PS", "PQ"], ["GT", "DP", "PQ", "PS"]])
        cells = []
        for _ in range(n):
            values = {
                "GT": rng.choice(["0/1", "1|0", "./.", "1", ".", "0|0", "2/11", "./1"]),
                "GQ": "7",
                "DP": "8",
            }
            values |= {"PS": rng.choice([".", "55"]), "PQ": rng.choice([".", "30"])}
            cells.append(":".join(values[k] for k in keys[: rng.randint(1, len(keys))]))
        identity = rng.choice([".", "17", "rs5", "9999999999999"])
        passed = rng.choice([".", "PASS", "Low", "PASX"])
        lines.append(["c1", str(i + 9), identity, "A", "C,G", "5", passed, "AC=1;X", ":".join(keys), *cells])
    return lines


def alleles_of(gt: str) -> tuple[int, int]:
    parts = [-1 if p == "." else int(p) for p in gt.replace("|", "/").split("/")]
    return (parts[0], -2) if len(parts) == 1 else (parts[0], parts[1])


def test_lines_for_statistical_phasing():
    rng = random.Random(4)
    for _ in range(25):
        lines = random_lines(rng, 3)
        text = "".join("\t".join(line) + "\n" for line in lines)
        table = cohort_table(6, 3)
        st.read_lines(ascii_array(text), table)
        calls = [[alleles_of(cell.split(":")[0]) for cell in line[9:]] for line in lines]
        assert table.gt.tolist() == [[list(gt) for gt in row] for row in calls]
        for i, line in enumerate(lines):
            assert table.number[i] == (int(line[2]) if line[2] == "17" else -1)
            assert table.passed[i] == (line[6] in (".", "PASS"))
            for s, cell in enumerate(line[9:]):
                values = dict(zip(line[8].split(":"), cell.split(":"), strict=False))
                ps = values.get("PS", ".")
                assert table.phase_set[i, s] == (
                    -1 if "|" not in values["GT"] else 0 if ps == "." else int(ps)
                )

        chosen = np.array([2, 0], np.int64)
        out = np.zeros(len(text) + 6 * st.LINE_BYTES, np.uint8)
        used, n = st.put_input(ascii_array(text), table, chosen, 100, out)
        want = []
        for i, line in enumerate(lines):
            pairs = [(a, a if b == -2 else b) for a, b in (calls[i][2], calls[i][0])]
            if line[6] in (".", "PASS") and any(a != b and min(a, b) >= 0 for a, b in pairs):
                cells = ["./." if min(p) < 0 else f"{p[0]}/{p[1]}" for p in pairs]
                want.append([line[0], line[1], str(100 + i), *line[3:5], ".", "PASS", ".", "GT", *cells])
        assert out[:used].tobytes().decode() == "".join("\t".join(line) + "\n" for line in want)
        assert n == len(want)

        found = cohort_table(8, 2)  # what a phaser makes of two lines before, these, and one behind
        found.number[:] = [98, *range(100, 107)]
        found.gt[1:7] = [[rng.choice([c, c[::-1], (0, 0)]) for c in (row[2], row[0])] for row in calls]
        order = np.zeros((6, 3), np.int8)
        assert st.statistical_order(table, 100, chosen, found, order) == 7
        wanted_order = np.full((6, 3), -1, np.int8)
        for i, row in enumerate(calls):
            for j, s in enumerate((2, 0)):
                theirs = tuple(found.gt[i + 1, j].tolist())
                if row[s][0] != row[s][1] and min(row[s]) >= 0 and theirs in (row[s], row[s][::-1]):
                    wanted_order[i, s] = theirs != row[s]
        assert order.tolist() == wanted_order.tolist()

        out = np.zeros(len(text) + 6 * (st.LINE_BYTES + 3 * st.CELL_BYTES), np.uint8)
        used = st.put_lines(ascii_array(text), table, order, out)
        assert out[:used].tobytes().decode() == "".join(map(changed_line, lines, order.tolist()))


def changed_line(line: list[str], order: list[int]) -> str:
    """The line with the phase of the cells whose order is 0 or 1."""
    keys = line[8].split(":")
    if max(order) >= 0 and "PS" not in keys:
        keys += ["PS", "PQ"]
    cells = []
    for cell, turned in zip(line[9:], order, strict=True):
        values = cell.split(":")
        if turned >= 0:
            is_read = "|" in values[0] and "PS" in line[8] and len(values) > keys.index("PS")
            is_read = is_read and values[keys.index("PS")] != "."
            gt = values[0].replace("|", "/").split("/")
            values[0] = "|".join(gt[::-1] if turned else gt)
            least = max(keys.index("PS"), keys.index("PQ")) + 1
            values += ["."] * (least - len(values))
            values[keys.index("PS")] = str(FAMILY_SET)
            if not is_read:
                values[keys.index("PQ")] = "."
        cells.append(":".join(values))
    return "\t".join([*line[:8], ":".join(keys), *cells]) + "\n"
