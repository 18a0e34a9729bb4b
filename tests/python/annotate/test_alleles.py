"""ALTs are normalised against the reference and judged; the kernel against a slow oracle."""

import annotate_builders as b
import numpy as np
import pytest
from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate.alleles import alleles_of
from deepcohort.annotate.config import AnnotateConfig
from deepcohort.annotate.io_segments import segments_of
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from hypothesis import given
from hypothesis import strategies as st


def judged(tmp_path, records):
    vcf = b.write_vcf(tmp_path / "in.vcf", records)
    with ReferenceFasta(b.write_reference(tmp_path)) as fasta:
        return next(alleles_of(s, fasta, AnnotateConfig()) for s in segments_of(vcf, None))


# REF, ALT at 104 (GCTCGT): what each ALT comes down to (kind, POS 1-based, length of REF)
CASES = [
    ("G", "A", [(ak.SNV, 104, 1)]),
    ("g", "a", [(ak.SNV, 104, 1)]),
    ("GCT", "ACT", [(ak.SNV, 104, 1)]),
    ("GCT", "GAT", [(ak.SNV, 105, 1)]),
    ("GC", "GA,G,TC", [(ak.SNV, 105, 1), (ak.INDEL, 104, 2), (ak.SNV, 104, 1)]),
    ("GCT", "ACA", [(ak.MNV, 104, 3)]),
    ("GCTC", "GATA", [(ak.MNV, 105, 3)]),
    ("G", "*,<DEL>,A", [(ak.SPANNING, 104, 1), (ak.SYMBOLIC, 104, 1), (ak.SNV, 104, 1)]),
    ("G", "G[chr2:5[,GN", [(ak.SYMBOLIC, 104, 1), (ak.NOT_BASES, 104, 1)]),
    ("G", "G", [(ak.SAME, 104, 1)]),
    ("T", "A", [(ak.REF_DIFFERS, 104, 1)]),
]


@pytest.mark.parametrize(("ref", "alt", "expected"), CASES)
def test_kinds_of_alleles(tmp_path, ref, alt, expected):
    found = judged(tmp_path, [b.record(104, ref, alt)])
    assert [
        (k, p + 1, n)
        for k, p, n in zip(found.kind.tolist(), found.pos.tolist(), found.ref_len.tolist(), strict=True)
    ] == expected
    assert found.number.tolist() == list(range(len(expected)))


def test_code_of_a_snv_and_records_without_alt(tmp_path):
    found = judged(tmp_path, [b.record(103, b.CHR1[102], "."), b.record(104, "G", "T")])
    assert found.record.tolist() == [1]
    assert found.code.tolist() == [2 << 2 | 3]
    assert found.n_alts.tolist() == [0, 1]


def test_one_deletion_written_four_ways_has_one_key(tmp_path):
    # GCACACACACAT at 201: a CA less, wherever it is written
    ways = [b.record(201 + 2 * k, b.CHR1[200 + 2 * k : 203 + 2 * k], b.CHR1[200 + 2 * k]) for k in range(4)]
    ways.append(b.record(201, "GCACACACACA", "GCACACACA"))
    found = judged(tmp_path, sorted(ways, key=lambda w: int(w.split("\t")[1])))
    assert set(found.kind.tolist()) == {ak.INDEL}
    assert len(set(found.key.tolist())) == 1
    assert set(found.pos.tolist()) == {200}


def spelled(pos: int, ref: str, alt: str) -> str:
    return b.CHR1[: pos - 1] + alt + b.CHR1[pos - 1 + len(ref) :]


BASES = st.text("ACGT", min_size=1, max_size=4)


@given(st.lists(st.tuples(st.integers(195, 215), st.integers(1, 4), BASES), min_size=2, max_size=8))
def test_keys_agree_exactly_where_sequences_do(tmp_path_factory, drawn):
    drawn = sorted(drawn)
    folder = tmp_path_factory.mktemp("keys")
    records = [(pos, b.CHR1[pos - 1 : pos - 1 + n], alt) for pos, n, alt in drawn]
    records = [r for r in records if r[1] != r[2]]
    if not records:
        return
    found = judged(folder, [b.record(*r) for r in records])
    for i, x in enumerate(records):
        for j, y in enumerate(records):
            same = spelled(*x) == spelled(*y)
            assert (found.key[i] == found.key[j]) == same, (x, y)


def test_reference_without_the_contig(tmp_path):
    vcf = b.write_vcf(tmp_path / "in.vcf", [b.record(5, "A", "C", contig="chrUn")])
    with (
        ReferenceFasta(b.write_reference(tmp_path)) as fasta,
        pytest.raises(DeepcohortError, match="no contig chrUn"),
    ):
        [alleles_of(s, fasta, AnnotateConfig()) for s in segments_of(vcf, None)]


def test_splice_leaves_what_is_not_named():
    text = b"c\t5\t.\tA\tC\t.\t.\t.\nc\t6\trs1\tA\tC\t.\t.\tDP=3\tGT\t0/1\n"
    columns = np.empty((2, 10), dtype=np.int64)
    assert ak.find_columns(np.frombuffer(text, np.uint8), columns) == -1
    pool = np.frombuffer(b"X=1rs1;rs2", np.uint8)
    ids, info = np.array([[0, 0], [3, 10]]), np.array([[0, 3], [0, 3]])
    out, starts = np.empty(200, np.uint8), np.empty(2, np.int64)
    n = ak.splice(np.frombuffer(text, np.uint8), columns, ids, info, pool, out, starts)
    assert out[:n].tobytes() == b"c\t5\t.\tA\tC\t.\t.\tX=1\nc\t6\trs1;rs2\tA\tC\t.\t.\tDP=3;X=1\tGT\t0/1\n"
    assert starts.tolist() == [0, text.index(b"\n") + 3]
