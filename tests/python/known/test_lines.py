"""Lines of a VCF cut into columns, and the alleles taken from them, are what any reader makes of them."""

import numpy as np
import pytest
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.known.io_known import KnownSites
from deepcohort.known.lines import cut
from known_helpers import made_up, write_sites

LENGTH_BP = 6_000


def test_columns():
    text = b"c\t7\t.\tA\tC\t.\t.\t.\nc\t12\trs1\tACG\tA,AT\t3\tPASS\tDP=1\nc\t120000\t.\tn\tG,T\t.\t.\t.\n"
    lines = cut(text)
    assert len(lines) == 3
    assert lines.start.tolist() == [6, 11, 119_999]
    assert lines.ref_bp.tolist() == [1, 3, 1]
    assert lines.is_plain.tolist() == [True, False, False]
    assert lines.is_snp.tolist() == [True, False, True]
    assert lines.codes(3).tolist() == [0, 0, 4]
    assert lines.codes(4).tolist() == [1, 0, 2]
    assert lines.fields(1) == ["c", "12", "rs1", "ACG", "A,AT"]
    assert len(cut(b"")) == 0


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """(reference, VCF, BCF) of SNPs with and without IDs, doubled alleles, indels, MNPs and `*`."""
    folder = tmp_path_factory.mktemp("sites")
    rng = np.random.default_rng(5)
    text = "".join(rng.choice(list("ACGT"), LENGTH_BP))
    reference, _ = made_up(folder, text, [(1, "50M", text[:50])])
    rows = []
    for pos in sorted(rng.choice(np.arange(20, LENGTH_BP - 40), 500).tolist()):
        ref = text[pos - 1]
        others = [base for base in "ACGT" if base != ref]
        alts = [
            others[0],
            ",".join(others[:2]),
            others[1].lower(),
            ref + "TTA",
            "*",
            others[2],
            others[0] + others[1],
        ]
        alt = alts[int(rng.integers(len(alts)))]
        if alt == others[2]:
            ref = text[pos - 1 : pos + 4]
            alt = ref[0]
        if len(alt) == 2:
            ref = text[pos - 1 : pos + 1]
        rows.append(("c", pos, f"x{pos}" if rng.random() < 0.3 else ".", ref, alt))
    rows = list({row[1:2] + row[3:]: row for row in rows}.values())
    contigs = {"c": LENGTH_BP}
    return reference, write_sites(folder, contigs, rows), write_sites(folder, contigs, rows, kind="bcf")


@pytest.mark.parametrize("region", [(0, LENGTH_BP), (1_000, 1_400), (2_003, 2_004)])
def test_alleles_of_text_and_of_records_are_the_same(sites, region):
    reference, *files = sites
    window = Region("c", max(0, region[0] - 700), min(LENGTH_BP, region[1] + 700))
    with ReferenceFasta(reference) as fasta:
        codes = fasta.fetch_codes(window)
        got = []
        for path in files:
            known = KnownSites(path, fasta.contig_lengths, "--alleles")
            found = known.fetch(window, codes, Region("c", *region))
            got.append((found, known.stretches([Region("c", *region)], 30)))
            known.close()
    (text, stretches), (records, others) = got
    for name in ("pos", "ref_len", "alt_seq", "alt_offset"):
        assert getattr(text.alleles, name).tolist() == getattr(records.alleles, name).tolist()
    assert (text.ids, text.symbolic, text.long) == (records.ids, records.symbolic, records.long)
    assert stretches == others
    if region == (0, LENGTH_BP):
        assert len(text.alleles) > 300
        assert text.symbolic
        assert any(text.ids)
        assert not all(text.ids)


def test_stretches_reach_where_an_indel_may_move(tmp_path):
    """A deletion behind a SNP may lie before it once it is left-aligned: both are in one stretch."""
    text = "ACGT" * 100 + "A" * 300 + "CGTA" * 100
    rows = [("c", 650, ".", "A", "C"), ("c", 690, ".", "AA", "A")]
    path = write_sites(tmp_path, {"c": len(text)}, rows)
    known = KnownSites(path, {"c": len(text)}, "--alleles")
    found = known.stretches([Region("c", 0, len(text))], 0)
    assert [(region.start <= 400, region.end) for region in found] == [(True, 691)]
    known.close()
