"""AlphaMissense's table as published and packed: every row by allele; what is wrong with a file, in one line."""

import random

import annotate_builders as b
import numpy as np
import pytest
from deepcohort.annotate.alphamissense import PublishedTable, SelectedTable, windows_of
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.packed import PackedTable, is_packed, pack
from deepcohort.annotate.score_kernels import PIECES, Scores, Texts, write_scores
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from hypothesis import given, settings
from hypothesis import strategies as st

CODE = {x: i for i, x in enumerate("ACGT")}


def oracle(rows):
    found = {}
    for line in rows:
        contig, pos, ref, alt, _, uniprot, transcript, change, score, klass = line.rstrip("\n").split("\t")
        key = contig, int(pos) - 1, CODE[ref] << 2 | CODE[alt]
        found.setdefault(key, []).append((transcript, uniprot, change, score, klass))
    return found


def asked(table, keys):
    """What a table says of (contig, position, code)s, as the oracle writes it."""
    said = {}
    for contig in {key[0] for key in keys}:
        mine = [key for key in keys if key[0] == contig]
        pos, code = (np.array([key[k] for key in mine], dtype=np.int64) for k in (1, 2))
        offsets, rows = table.hits(contig, pos, code)
        for i, key in enumerate(mine):
            for r in range(offsets[i], offsets[i + 1]):
                change = f"{chr(65 + (rows.aa[r] >> 5))}{rows.aa_pos[r]}{chr(65 + (rows.aa[r] & 31))}"
                klass = ("likely_benign", "ambiguous", "likely_pathogenic")[rows.klass[r]]
                pair = table.about.pairs[rows.pair[r]]
                said.setdefault(key, []).append((*pair, change, repr(int(rows.score[r]) / 10000), klass))
    return said


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "indexed"])
def test_every_row_of_every_kind_of_file(tmp_path, kind):
    table = b.write_table(tmp_path / "am.tsv", kind=kind)
    truth = oracle(b.ROWS)
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta:
        selected = SelectedTable(table, {"chr1": np.arange(400)}, fasta, AnnotateConfig())
        keys = [*truth, ("chr1", 3, 1), ("chr2", 104, 2)]
        assert asked(selected, keys) == truth
        n, about = pack(table, tmp_path / "am.dcam", fasta)
        assert (n, about.licence, about.genome) == (8, "Licensed under TEST terms", "hg38")
        assert asked(PackedTable(tmp_path / "am.dcam", fasta), keys) == truth
    assert is_packed(tmp_path / "am.dcam")
    assert not is_packed(table)


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip", "indexed"])
def test_wanted_rows_alone_are_the_same_rows(tmp_path, kind):
    far = [
        b.row(p, "A" if b.CHR2[p - 1] != "A" else "C", "A2T", "0.5", contig="chr2") for p in range(20, 390, 7)
    ]
    table = b.write_table(tmp_path / "am.tsv.gz", [*b.ROWS, *far], kind=kind)
    truth = oracle([*b.ROWS, *far])
    wanted = {"chr1": np.array([104]), "chr2": np.arange(100, 300)}
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta:
        found = SelectedTable(table, wanted, fasta, AnnotateConfig(), all_rows=False)
        through = SelectedTable(table, wanted, fasta, AnnotateConfig())
    expected = {k: v for k, v in truth.items() if k[1] in wanted[k[0]]}
    assert len(expected) == 29 + 3
    assert asked(found, list(truth)) == asked(through, list(truth)) == expected


UNSORTED = [
    ([*b.ROWS[:3], b.ROWS[0]], "line 8 comes before the row above it"),
    ([*b.ROWS[:3], "chr1\tx\tA\n"], "line 8 has no position"),
    ([*b.ROWS, f"chr2\t9\t{b.CHR2[8]}\n", b.ROWS[0]], "line 14 is of chr1, which came before"),
]


@pytest.mark.parametrize(("rows", "message"), UNSORTED)
def test_rows_that_are_not_wanted_must_be_in_order_too(tmp_path, rows, message):
    table = b.write_table(tmp_path / "am.tsv", rows)
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta, pytest.raises(DeepcohortError, match=message):
        SelectedTable(table, {"chr1": np.array([300])}, fasta, AnnotateConfig(), all_rows=False)


def test_windows():
    assert windows_of(np.array([5, 9, 100_000])).tolist() == [[5, 10], [100_000, 100_001]]
    assert windows_of(np.empty(0, dtype=np.int64)).tolist() == []


def test_isoforms_have_no_uniprot_id(tmp_path):
    rows = ["\t".join(f for k, f in enumerate(r.split("\t")) if k != 5) for r in b.ROWS]
    table = b.write_table(tmp_path / "am.tsv", rows, b.HEAD.replace("uniprot_id\t", ""))
    pack(table, tmp_path / "am.dcam")
    assert PackedTable(tmp_path / "am.dcam").about.pairs == [("T1.3", ""), ("T9.1", "")]


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 9))
def test_packed_blocks_against_a_dictionary(tmp_path_factory, seed, n, block):
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("packed")
    rows = []
    for contig, text in (("chr1", b.CHR1), ("chr2", b.CHR2)):
        for pos in sorted(chance.choices(range(1, 60), k=n)):
            alt = chance.choice([x for x in "ACGT" if x != text[pos - 1]])
            score = chance.randrange(10001) / 10000
            rows.append(
                b.row(
                    pos,
                    alt,
                    f"A{chance.randrange(1, 60000)}Y",
                    repr(score),
                    chance.choice(["A.1", "B.2"]),
                    "P",
                    contig,
                )
            )
    config = AnnotateConfig(block_rows=block)
    pack(b.write_table(folder / "am.tsv", rows), folder / "am.dcam", None, config)
    table, truth = PackedTable(folder / "am.dcam"), oracle(rows)
    keys = [(c, p, code) for c in ("chr1", "chr2") for p in range(62) for code in range(16)]
    chance.shuffle(keys)
    assert asked(table, keys) == truth


def test_contigs_by_another_name(tmp_path):
    table = b.write_table(tmp_path / "am.tsv", [r.replace("chr1", "1", 1) for r in b.ROWS])
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta:
        pack(table, tmp_path / "am.dcam")
        key = ("chr1", 103, 2 << 2)
        for opened in (
            PackedTable(tmp_path / "am.dcam", fasta),
            SelectedTable(table, {"chr1": np.arange(400)}, fasta, AnnotateConfig()),
        ):
            assert asked(opened, [key])[key][0][2] == "A2T"


def malformed(change):
    rows = list(b.ROWS)
    rows[3] = change(rows[3])
    return b.HEAD + "".join(rows)


BAD = [
    ("".join(b.ROWS), "no header line that begins with #CHROM"),
    (b.HEAD.replace("am_class", "klass") + "".join(b.ROWS), "other columns: am_class missing"),
    (malformed(lambda r: r.replace("0.5641", "0.56414")), "line 8 has an am_pathogenicity"),
    (malformed(lambda r: r.replace("0.5641", "1.1")), "line 8 has an am_pathogenicity"),
    (malformed(lambda r: r.replace("likely_p", "very_p")), "line 8 has an am_class"),
    (malformed(lambda r: r.replace("A2G", "p.A2")), "line 8 has a protein_variant"),
    (malformed(lambda r: r.replace("\t105\t", "\t10\t")), "line 8 comes before the row above it"),
    (malformed(lambda r: r.replace("\t105\t", "\tx\t")), "line 8 has no position"),
    (malformed(lambda r: r.replace("\tG\thg38", "\tGG\thg38")), "line 8 has a REF or ALT"),
    (malformed(lambda r: r[:30] + "\n"), "line 8 has too few columns"),
    ((b.HEAD + "".join(b.ROWS))[:-9], "line 12 has an am_class"),
    (
        b.HEAD
        + "".join(
            [*b.ROWS, b.row(5, "A" if b.CHR2[4] != "A" else "C", "A2G", "0.1", contig="chr2"), b.ROWS[0]]
        ),
        "line 14 is of chr1, which came before",
    ),
    (b.HEAD, "a header and no row"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_one_line_says_what_is_wrong(tmp_path, text, message):
    table = tmp_path / "am.tsv"
    table.write_text(text)
    with pytest.raises(DeepcohortError, match=message) as error:
        pack(table, tmp_path / "am.dcam")
    assert "\n" not in str(error.value)
    assert str(table) in str(error.value)
    assert not (tmp_path / "am.dcam").exists()


@pytest.mark.parametrize("kind", ["gzip", "bgzip"])
def test_truncated_files(tmp_path, kind):
    table = b.write_table(tmp_path / "am.tsv.gz", b.ROWS, kind=kind)
    table.write_bytes(table.read_bytes()[:-30])
    with pytest.raises(DeepcohortError, match="truncated"):
        list(PublishedTable(table).chunks())


def test_another_build_ends_after_few_rows(tmp_path):
    chance = random.Random(1)
    others = {x: [y for y in "ACGT" if y != x] for x in "ACGT"}
    rows = [
        f"chr1\t{p}\t{chance.choice(others[b.CHR1[p - 1]])}\tA\thg38\tP\tT\tA2T\t0.5\tambiguous\n"
        for p in range(1, 390)
    ]
    table = b.write_table(tmp_path / "am.tsv", rows)
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta:
        with pytest.raises(
            DeepcohortError, match=r"it says hg38\) is of another build .* 20 of the first 20 rows differs"
        ):
            SelectedTable(table, {"chr1": np.arange(400)}, fasta, AnnotateConfig())
        pack(table, tmp_path / "am.dcam")
        with pytest.raises(DeepcohortError, match="another build"):
            PackedTable(tmp_path / "am.dcam", fasta)


@pytest.mark.parametrize("cut", [3, 12, 40, 200])
def test_damaged_packed_form(tmp_path, cut):
    pack(b.write_table(tmp_path / "am.tsv"), tmp_path / "am.dcam")
    data = (tmp_path / "am.dcam").read_bytes()
    (tmp_path / "cut.dcam").write_bytes(data[:-cut])
    with pytest.raises(DeepcohortError, match="truncated or damaged"):
        PackedTable(tmp_path / "cut.dcam")
    flipped = bytearray(data)
    flipped[20] ^= 255  # within the first block
    (tmp_path / "flipped.dcam").write_bytes(flipped)
    with pytest.raises(DeepcohortError, match="truncated or damaged"):
        PackedTable(tmp_path / "flipped.dcam").hits("chr1", np.array([103]), np.array([8]))


def test_the_published_files_own_rows(shared_data, tmp_path):
    head = shared_data / "annotation" / "AlphaMissense_hg38.head.tsv"
    rows = [line for line in head.read_text().splitlines(keepends=True) if not line.startswith("#")]
    n, about = pack(head, tmp_path / "am.dcam")
    assert n == len(rows) == 37
    assert about.licence == "Licensed under CC BY-NC-SA 4.0 license"
    assert asked(PackedTable(tmp_path / "am.dcam"), list(oracle(rows))) == oracle(rows)


def test_scores_are_written_as_python_writes_them():
    texts = [b"T1", b"", b"T22", b"P2"]
    names, ends = (
        np.frombuffer(b"".join(texts), np.uint8),
        np.concatenate([[0], np.cumsum([len(t) for t in texts])]),
    )
    words = [*PIECES, "b", "a", "p"]
    pieces, piece_ends = (
        np.frombuffer("".join(words).encode(), np.uint8),
        np.concatenate([[0], np.cumsum([len(w) for w in words])]),
    )
    score = np.arange(10_001, dtype=np.uint16)
    n = len(score)
    klass, pair = (np.arange(n) % 3).astype(np.uint8), (np.arange(n) % 2).astype(np.uint32)
    aa_pos, aa = (np.arange(n) % 65_535 + 1).astype(np.uint16), np.full(n, 21 << 5 | 11, dtype=np.uint16)
    out, places = np.empty(n * 200, dtype=np.uint8), np.empty((n, 2), dtype=np.int64)
    rows = Scores(score, klass, pair, aa_pos, aa)
    write_scores(rows, Texts(pieces, piece_ends, names, ends), out, places)
    for i in range(n):
        text = out[places[i, 0] : places[i, 1]].tobytes().decode()
        number, name = repr(i / 10_000), ("T1", "T22;AM_UNIPROT=P2")[i % 2]
        assert (
            text
            == f"AM_SCORE={number};AM_CLASS={'bap'[i % 3]};AM_TRANSCRIPT={name};AM_PROTEIN=V{i + 1}L;AM_MAX={number};AM_SOURCE=allele"
        )
