"""Libraries whose chemistry makes C read as T: measured, and what may have been changed says nothing."""

from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.region import Region
from deepcohort.core.sequence import CODE_N, CODE_OF_ASCII
from deepcohort.reads.clip_kernels import Placed
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.conversion import (
    conversion_facts,
    conversion_told,
    measure_conversion,
    without_converted,
)
from deepcohort.reads.conversion_kernels import (
    Stretch,
    fill_equal,
    find_insertions,
    place_bases,
    silence_converted,
    spell_insertions,
    tally_conversions,
)
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profiled
from deepcohort.reads.types import Conversion, LibraryProfile
from hypothesis import given, settings
from hypothesis import strategies as st
from test_adapters_and_votes import columns_of_rows

START, READ_BP, CONTIG_BP = 1_000, 100, 60_000
FORWARD_FIRST, REVERSE_FIRST, FORWARD_SECOND, REVERSE_SECOND = 0x41, 0x51, 0x81, 0x91
OF_FORWARD = (FORWARD_FIRST, REVERSE_SECOND)


def converted(text: str, place: int, reference: str, of_forward: bool, shares, rng) -> str:
    """`text` at `place` with C made T (G made A) in these `shares` before G and elsewhere."""
    bases = list(text)
    base, changed, step, beside = ("C", "T", 1, "G") if of_forward else ("G", "A", -1, "C")
    for i, letter in enumerate(text):
        is_cpg = reference[place + i + step : place + i + step + 1] == beside
        if letter == base and rng.random() < shares[0 if is_cpg else 1]:
            bases[i] = changed
    return "".join(bases)


def a_library(shares, seed=1, strands=None, n=2_000, read_bp=READ_BP):
    """Columns and the reference of reads whose Cs are converted in these shares."""
    rng = np.random.default_rng(seed)
    reference = "".join(rng.choice(list("ACGT"), 3_000))
    rows = []
    for name, place in enumerate(sorted(rng.integers(1, 3_000 - read_bp - 1, n).tolist())):
        flag = int(rng.choice([FORWARD_FIRST, REVERSE_FIRST, FORWARD_SECOND, REVERSE_SECOND]))
        of_forward = flag in OF_FORWARD if strands is None else strands(rng, flag)
        text = converted(reference[place : place + read_bp], place, reference, of_forward, shares, rng)
        rows.append({"pos": START + place, "flag": flag, "name": name, "cigar": [(0, read_bp)], "seq": text})
    return columns_of_rows(rows), CODE_OF_ASCII[np.frombuffer(reference.encode(), np.uint8)]


def measured(shares, **more) -> Conversion:
    columns, codes = a_library(shares, **more)
    return measure_conversion([columns], [(START, codes)])


def test_shares_are_measured_by_context():
    found = measured((0.7, 0.0))
    assert found.cpg == pytest.approx(0.7, abs=0.02)
    assert (found.elsewhere, found.is_swapped, found.is_told) == (0.0, False, True)
    found = measured((0.3, 0.99))
    assert (found.cpg, found.elsewhere) == (pytest.approx(0.3, abs=0.02), pytest.approx(0.99, abs=0.01))


def test_first_mates_may_show_the_other_strand():
    found = measured((0.7, 0.0), strands=lambda rng, flag: flag not in OF_FORWARD)
    assert found.is_swapped
    assert found.is_told
    assert found.cpg == pytest.approx(0.7, abs=0.02)


def test_strands_that_nothing_tells():
    found = measured((0.0, 0.8), strands=lambda rng, flag: rng.random() < 0.5)
    assert not found.is_told
    assert found.elsewhere == pytest.approx(0.4, abs=0.03)
    assert found.contexts == (False, False)
    assert "ConvertedStrand" in conversion_facts(found)
    assert "do not believe C>T" in conversion_told(found)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.04, 0.01)])
def test_usual_libraries_and_damaged_ones_have_none(shares):
    found = measured(shares)
    assert found == Conversion()
    assert conversion_facts(found) == {}
    assert conversion_told(found) == ""


def test_errors_of_every_kind_are_no_conversion():
    columns, codes = a_library((0.0, 0.0))
    rng = np.random.default_rng(3)
    seq = np.where(rng.random(len(columns.seq)) < 0.5, rng.integers(0, 4, len(columns.seq)), columns.seq)
    columns.seq[:] = seq.astype(np.uint8)  # aligned to another reference
    assert measure_conversion([columns], [(START, codes)]) == Conversion()


def test_errors_of_long_reads_at_cpgs_are_no_conversion():
    assert measured((0.15, 0.0), n=100, read_bp=1_500) == Conversion()
    assert measured((0.7, 0.0), n=100, read_bp=1_500).contexts == (True, False)


def test_few_bases_tell_of_nothing():
    assert measured((0.9, 0.9), n=5) == Conversion()


def silenced(reference: str, text: str, flag: int, conversion: Conversion, as_unknown=False):
    columns = columns_of_rows([{"pos": START + 1, "flag": flag, "cigar": [(0, len(text))], "seq": text}])
    codes = CODE_OF_ASCII[np.frombuffer(reference.encode(), np.uint8)]
    found = without_converted(columns, [LibraryProfile(conversion=conversion)], codes, START, as_unknown)
    text = "".join("ACGTN"[code] for code in found.seq)
    return text, "".join("." if q else "0" for q in found.qual)


ALL, CPG = Conversion(0.5, 0.9), Conversion(0.7)


@pytest.mark.parametrize(
    ("reference", "text", "flag", "conversion", "told"),
    [
        # reference has one base more at either side
        ("AACGATCAA", "ATGATTA", FORWARD_FIRST, CPG, ("ACGATTA", ".0.....")),
        ("AACGATCAA", "ATGATTA", FORWARD_FIRST, ALL, ("ACGATCA", ".0..00.")),
        ("AACGATCAA", "ACAATCA", REVERSE_FIRST, CPG, ("ACGATCA", "..0...0")),  # its A after C may have been G
        ("AACGATCAA", "ATGATTA", REVERSE_FIRST, CPG, ("ATGATTA", "..0...0")),  # the T is a variant's
        ("AACGATCAA", "ATGATTA", REVERSE_SECOND, CPG, ("ACGATTA", ".0.....")),
        ("AACGATCAA", "ATGATTA", 0, CPG, ("ACGATTA", ".0.....")),  # a single read
        ("AACGATCAA", "ATGATTA", REVERSE_FIRST, Conversion(0.7, 0.0, True), ("ACGATTA", ".0.....")),
        ("AACGATCAA", "ACGATCA", FORWARD_FIRST, CPG, ("ACGATCA", ".0.....")),  # unchanged says nothing either
        ("AACAATCAA", "ATGATCA", FORWARD_FIRST, CPG, ("ACGATCA", ".0.....")),  # a CpG of the read's own
        ("AAAGATCAA", "ATGATCA", FORWARD_FIRST, CPG, ("AAGATCA", ".0.....")),  # A>C, converted, reads as A>T
        ("AACGATCAA", "AAGATCA", FORWARD_FIRST, CPG, ("AAGATCA", ".......")),  # C>A is sure
        ("AACGATCCG", "ACGATCT", FORWARD_FIRST, CPG, ("ACGATCC", ".0....0")),  # its G lies behind the read
        ("AACGATCAA", "ATGATTA", FORWARD_FIRST, Conversion(0.7, 0.0, False, False), ("ATGATTA", ".......")),
    ],
)  # fmt: skip
def test_what_is_silenced(reference, text, flag, conversion, told):
    assert silenced(reference, text, flag, conversion) == told


def test_to_be_measured_they_are_n():
    assert silenced("AACGATCAA", "ATGATTA", FORWARD_FIRST, CPG, as_unknown=True)[0] == "ANGATTA"


def lines_of(reference: str, changed, variants: dict[int, str], rng) -> list[str]:
    lines = []
    for k in range(12_000):
        place = int(rng.integers(1, len(reference) - READ_BP - 1))
        flag = 0x10 if k % 2 else 0
        text = "".join(variants.get(place + i, reference[place + i]) for i in range(READ_BP))
        if changed:
            text = converted(text, place, reference, not flag, (0.8, 0.0), rng)
        lines.append(f"r{k}\t{flag}\tone\t{place + 1}\t60\t{READ_BP}M\t*\t0\t0\t{text}\t{'I' * READ_BP}")
    return lines


@pytest.fixture
def genome(tmp_path: Path) -> tuple[Path, str]:
    text = "".join(np.random.default_rng(5).choice(list("ACGT"), CONTIG_BP))
    path = tmp_path / "genome.fa"
    path.write_text(f">one\n{text}\n")
    pysam.faidx(str(path))
    return path, text


def test_reads_come_without_what_was_converted(genome, write_reads):
    """Of the sample's profile, whatever the shards; a variant is shown by the reads that tell of it."""
    path, text = genome
    site = text.index("CG", 30_000)
    lines = lines_of(text, True, {site: "T"}, np.random.default_rng(2))
    bam = write_reads(lines, contigs=[("one", CONTIG_BP)])
    config = profiled([bam], path, ReadsConfig())
    assert config.library.conversion.cpg == pytest.approx(0.8, abs=0.03)
    shown = {}
    for region in (Region("one", site - 50, site + 50), Region("one", site, site + 1)):
        with open_reads([bam], path, config) as source:
            batch = source.fetch(region)
        at = batch.seq_offset[:-1] + site - batch.pos
        over = (batch.pos <= site) & (batch.end > site)
        reverse = (batch.flag[over] & 0x10) != 0
        qual = batch.qual[at[over]]
        assert (qual[~reverse] == 0).all()
        assert (qual[reverse] > 0).all()
        assert (batch.seq[at[over]][reverse] == 3).all()
        shown[len(region)] = np.bincount(qual > 0).tolist()
    assert shown[1] == shown[100]
    assert "ConvertedCpG=0." in ";".join(
        f"{k}={v}" for k, v in conversion_facts(config.library.conversion).items()
    )
    assert "of the Cs before G read as T" in conversion_told(config.library.conversion)


def test_bases_written_as_equal_are_the_references(genome, write_reads):
    """As samtools calmd -e writes them; those that lie on no base are N."""
    path, text = genome
    rng = np.random.default_rng(4)
    plain = lines_of(text, False, {30_000: "A" if text[30_000] != "A" else "C"}, rng)
    equal = []
    for line in plain:
        fields = line.split("\t")
        place = int(fields[3]) - 1
        fields[9] = "".join("=" if b == text[place + i] else b for i, b in enumerate(fields[9]))
        equal.append("\t".join(fields))
    clipped = plain[0].split("\t")
    clipped[:6] = ["clipped", "0", "one", "30001", "60", f"3S{READ_BP - 3}M"]
    clipped[9] = "=" * READ_BP
    found = []
    for name, lines in (("plain.bam", plain), ("equal.bam", equal)):
        bam = write_reads(lines, name, contigs=[("one", CONTIG_BP)])
        config = profiled([bam], path, ReadsConfig())
        with open_reads([bam], path, config) as source:
            found.append((config.library, source.fetch(Region("one", 29_000, 31_000))))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1].seq, found[1][1].seq)
    bam = write_reads(["\t".join(clipped)], "clipped.bam", contigs=[("one", CONTIG_BP)])
    with open_reads([bam], path, ReadsConfig()) as source:
        batch = source.fetch(Region("one", 29_000, 31_000))
    assert batch.seq[:3].tolist() == [CODE_N] * 3
    assert batch.seq[3:6].tolist() == ["ACGT".index(b) for b in text[30_000:30_003]]


A, C, G, T, N, EQUAL = range(6)
operation = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 7, 8]), st.integers(1, 5))
a_read = st.tuples(
    st.integers(-2, 12),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.lists(operation, min_size=1, max_size=5),
)


@settings(max_examples=200, deadline=None)
@given(reads=st.lists(a_read, max_size=6), seed=st.integers(0, 1_000), as_unknown=st.booleans())
def test_kernels_against_plain_python(reads, seed, as_unknown):
    rng = np.random.default_rng(seed)
    reference = {100 + i: int(code) for i, code in enumerate(rng.choice([A, C, G, T, N], 20))}
    lengths = [sum(n for op, n in read[4] if op in (0, 1, 4, 7, 8)) for read in reads]
    seq = rng.choice([A, C, G, T, C, G, N, EQUAL], sum(lengths)).astype(np.uint8)
    placed = Placed(
        np.array([100 + read[0] for read in reads], np.int64),
        seq,
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.array([op for read in reads for op, _ in read[4]], np.uint8),
        np.array([n for read in reads for _, n in read[4]], np.int32),
        np.concatenate(([0], np.cumsum([len(read[4]) for read in reads]))).astype(np.int64),
    )
    stretch = Stretch(np.array([reference[p] for p in sorted(reference)], np.uint8), 100)
    own = np.array([read[1] for read in reads], np.bool_)
    contexts = np.array([read[2:4] for read in reads], np.bool_).reshape(-1, 2)

    places, rows = [], []
    for k, (start, *_, operations) in enumerate(reads):
        at = 100 + start
        for op, n in operations:
            if op in (0, 7, 8):
                places += range(at, at + n)
            elif op in (1, 4):
                places += [-1] * n
            at += n if op in (0, 2, 3, 7, 8) else 0
        rows += [k] * lengths[k]
    place = np.empty(len(seq), np.int64)
    place_bases(placed, place)
    assert place.tolist() == places

    def ref(at):
        return reference.get(at, N)

    qual = np.full(len(seq), 30, np.uint8)
    bases = [
        (ref(p) if p >= 0 else N) if b == EQUAL else b for b, p in zip(seq.tolist(), places, strict=True)
    ]
    unknown = [b == EQUAL and told == N for b, told in zip(seq.tolist(), bases, strict=True)]
    fill_equal(seq, qual, place, stretch)
    assert seq.tolist() == bases
    assert qual.tolist() == [0 if x else 30 for x in unknown]

    counts, told, quals = np.zeros((2, 3, 2), int), list(bases), qual.tolist()
    for i, (row, at, base) in enumerate(zip(rows, places, bases, strict=True)):
        if at < 0:
            continue
        if ref(at) in (C, G) and base < N:
            step = 1 if ref(at) == C else -1
            is_cpg = ref(at + step) == (G if step == 1 else C)
            kind = 0 if base == ref(at) else 1 if base == (T if step == 1 else A) else 2
            counts[0 if is_cpg else 1, kind, int(own[row] == (step == 1))] += 1
        mine, step, beside = ((C, T), 1, G) if own[row] else ((G, A), -1, C)
        in_read = 0 <= i + step < len(rows) and rows[i + step] == row and bases[i + step] == beside
        context = 0 if ref(at + step) == beside or in_read else 1
        if base in mine and contexts[row, context]:
            told[i] = N if as_unknown else ref(at) if ref(at) < N else base
            quals[i] = 0
    np.testing.assert_array_equal(tally_conversions(placed, own, place, stretch), counts)
    check_insertions(placed, reads, own, contexts.any(axis=1))
    silence_converted(placed, qual, own, contexts, place, stretch, as_unknown)
    assert seq.tolist() == told
    assert qual.tolist() == quals


def check_insertions(placed: Placed, reads, own, is_converted):
    """Insertions are found, and spelled as fragments of the other strand show them."""
    rows = []
    for k, (start, *_, operations) in enumerate(reads):
        at, query = 100 + start, int(placed.seq_offset[k])
        for op, n in operations:
            if op == 1:
                rows.append((at, n, query, k))
            at += n if op in (0, 2, 3, 7, 8) else 0
            query += n if op in (0, 1, 4, 7, 8) else 0
    found = np.empty((len(rows), 4), np.int64)
    assert find_insertions(placed, found) == len(rows)
    assert found.tolist() == [list(row) for row in rows]

    seq = placed.seq.copy()
    told = seq.tolist()
    for at, n in {row[:2] for row in rows}:
        same = [row for row in rows if row[:2] == (at, n)]
        for offset in range(n):
            for pair, is_own in (((C, T), True), ((G, A), False)):
                shown = [int(seq[row[2] + offset]) for row in same if own[row[3]] != is_own]
                first, second = shown.count(pair[0]), shown.count(pair[1])
                for *_, query, k in same:
                    if (
                        own[k] == is_own
                        and is_converted[k]
                        and seq[query + offset] in pair
                        and first != second
                    ):
                        told[query + offset] = pair[0] if first > second else pair[1]
    spelled = placed._replace(seq=seq)
    spell_insertions(spelled, np.array(sorted(rows), np.int64).reshape(-1, 4), own, is_converted)
    assert seq.tolist() == told


def test_an_insertion_is_spelled_as_the_other_strand_has_it():
    """Reads ATG and ACG of the insertion CG; a library that does not convert keeps its bases."""
    codes = CODE_OF_ASCII[np.frombuffer(b"A" * 20, np.uint8)]
    cigar = [(0, 3), (1, 2), (0, 3)]
    rows = [
        {"pos": START + 2, "flag": flag, "name": name, "cigar": cigar, "seq": f"AAA{inserted}AAA"}
        for name, (flag, inserted) in enumerate(
            [(FORWARD_FIRST, "TG"), (FORWARD_FIRST, "TG"), (REVERSE_FIRST, "CA"), (FORWARD_FIRST, "CG")]
        )
    ]
    columns = columns_of_rows(rows)
    profiles = [LibraryProfile(conversion=ALL)]
    found = without_converted(columns, profiles, codes, START)
    inserted = found.seq.reshape(4, 8)[:, 3:5]
    assert inserted.tolist() == [[C, G]] * 4
    assert (found.qual.reshape(4, 8)[:, 3:5] > 0).all()
    assert without_converted(columns, [LibraryProfile()], codes, START) is columns
