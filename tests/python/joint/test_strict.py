"""What breaks VCF is refused in one line; what other callers write is read: the table of docs/joint.md."""

import re

import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.joint.config import JointConfig
from deepcohort.joint.genotype import genotype_cohort
from joint_helpers import SEQUENCE, block, genotype, het, write_gvcf, write_reference

KEYS = "GT:GQ:DP:AD:PL"
SNP = het(13, "G", "A")


def snp(cell: str, keys: str = KEYS, alt: str = "A,<NON_REF>", info: str = ".", ref: str = "G") -> str:
    return f"13 {ref} {alt} {info} {keys} {cell}"


def rows_of(record: str) -> list[str]:
    return [block(1, 12), record, block(14, 300)]


@pytest.fixture
def folder(tmp_path):
    write_reference(tmp_path)
    return tmp_path


REFUSED = {
    "columns": ("c1 13 . G A,<NON_REF> . . . GT:GQ:DP:AD:PL", "columns"),
    "surplus_column": (
        "c1 13 . G A,<NON_REF> . . . GT:PL 0/1:300,0,400,390,450,840 0/1:300,0,400,390,450,840",
        "columns",
    ),
    "negative_pl": (snp("0/1:99:30:15,15,0:300,0,-4,390,450,840"), "negative"),
    "short_pl": (snp("0/1:99:30:15,15,0:300,0,400"), "another number of values"),
    "polyploid": (snp("0/0/1:99:30:15,15,0:300,0,400,390,450,840"), "too many copies"),
    "polyploid_pl": (snp("0/1:99:30:15,15,0:1,0,1,2,3,4,5,6,7,8"), "another number of values"),
    "pl_text": (snp("0/1:99:30:15,15,0:300,0,x,390,450,840"), "Type"),
    "pl_without_end": (snp("0/1:99:30:15,15,0:300,0,,390,450,840"), "Type"),
    "huge_pl": (snp("0/1:99:30:15,15,0:300,0,2147483647,390,450,840"), "Type"),
    "ad_count": (snp("0/1:99:30:15,15:300,0,400,390,450,840"), "another number of values"),
    "negative_gq": (snp("0/1:-9:30:15,15,0:300,0,400,390,450,840"), "negative"),
    "dp_decimals": (snp("0/1:99:3.5:15,15,0:300,0,400,390,450,840"), "Type"),
    "gt_beyond": (snp("0/3:99:30:15,15,0:300,0,400,390,450,840"), "no genotype"),
    "gt_negative": (snp("0/-1:99:30:15,15,0:300,0,400,390,450,840"), "no genotype"),
    "dropped_pl": (snp("0/1:99:30"), "without the PL"),
    "empty_value": (snp("0/1::30:15,15,0:300,0,400,390,450,840"), "empty"),
    "surplus_value": (snp("0/1:99:30:15,15,0:300,0,400,390,450,840:7"), "more values"),
    "key_twice": (snp("0/1:99:30:15,15,0:300,0,400,390,450,840", "GT:GQ:DP:AD:GQ"), "stands twice"),
    "gt_not_first": (snp("99:0/1", "GQ:GT"), "GT not first"),
    "ref_letters": (snp("0/1:99", "GT:GQ", ref="GX"), "REF that is not"),
    "alt_letters": (snp("0/1:99", "GT:GQ", alt="A2,<NON_REF>"), "ALT that is no"),
    "qual": ("c1 13 . G A,<NON_REF> high . . GT:GQ 0/1:99", "QUAL"),
    "pos": ("c1 13x . G A,<NON_REF> . . . GT:GQ 0/1:99", "POS"),
    "end_before": ("13 G <NON_REF> END=12 GT:GQ 0/0:9", "END"),
    "end_text": ("13 G <NON_REF> END=1e9 GT:GQ 0/0:9", "END"),
    "end_beyond": ("13 G <NON_REF> END=301 GT:GQ 0/0:9", r"beyond the end of c1 \(300 bp\)"),
    "other_ref": (snp("0/1:99", "GT:GQ", ref="C"), "REF C at c1:13 where the reference has G"),
    "other_ref_of_block": ("13 T <NON_REF> END=13 GT:GQ:DP:PL 0/0:9:9:0,9,90", "REF T at c1:13"),
    "no_alt_called_without_pl": (snp("0/1:99", "GT:GQ", alt="."), "no genotype"),
}


@pytest.fixture
def write_spoilt(folder, monkeypatch):
    """Writes a gVCF with any lines: the index is that of a sound one, and taken for its own."""
    monkeypatch.setattr(HtsIndex, "check_fits", lambda *_, **__: None)

    def write(rows):
        path = write_gvcf(folder, "A", [block(1, 12), SNP, block(14, 300)])
        lines = path.with_suffix("").read_text().splitlines()
        malformed = []
        for row in rows:
            fields = row.split()
            if len(fields) == 6:
                pos, ref, alt, info, keys, cell = fields
                fields = ["c1", pos, ".", ref, alt, ".", ".", info, keys, cell]
            malformed.append("\t".join(fields))
        with pysam.BGZFile(str(path), "wb") as out:
            out.write(("\n".join([*lines[:-3], *malformed]) + "\n").encode())
        return path

    return write


@pytest.mark.parametrize("case", REFUSED)
def test_what_breaks_vcf_is_refused(folder, write_spoilt, case):
    record, words = REFUSED[case]
    with pytest.raises(DeepcohortError, match=words) as error:
        genotype(folder, [write_spoilt(rows_of(record))])
    message = str(error.value)
    assert "\n" not in message
    assert "A.g.vcf.gz" in message
    assert re.search(r"c1:\d+", message)
    assert not (folder / "cohort.vcf.gz").exists()


def test_contradicting_duplicates_are_refused(folder):
    other = snp("1/1:99:30:0,30,0:400,90,0,390,450,840")
    with pytest.raises(DeepcohortError, match=r"c1:13: a second record of the same alleles"):
        genotype(folder, [write_gvcf(folder, "A", [block(1, 12), SNP, other, block(14, 300)])])


def test_disorder_is_refused_within_windows_and_between_them(folder, write_spoilt):
    rows = [block(1, 12), block(14, 99), SNP, block(100, 300)]
    with pytest.raises(DeepcohortError, match=r"not sorted at c1:13"):
        genotype(folder, [write_spoilt(rows)])
    rows = [block(1, 12), SNP, *(block(p, p) for p in range(14, 301)), block(20, 21)]
    config = JointConfig(cells_per_window=40, max_shift_bp=10)
    with pytest.raises(DeepcohortError, match=r"not sorted at c1:20"):
        genotype(folder, [write_spoilt(rows)], config)


def test_text_that_was_cut_and_odd_bytes_are_told(folder, write_spoilt):
    path = write_spoilt(rows_of(SNP))
    with pysam.BGZFile(str(path)) as file:
        text = file.read()
    for malformed, words in (
        (text[:-9], "it was cut"),
        (text.replace(b"\tEND=300", b"\tEND=300;X=\0"), "no printable text"),
        (text.replace(b"\tEND=300", b"\tEND=300;X=\x7f"), "no printable text"),
        (text.replace(b"\nc1\t14\t", b"\nc9\t14\t"), "CHROM that the header does not list"),
        (text.replace(b"\nc1\t14\t", b"\nc1\n14\t"), "POS"),  # a line end is no TAB
        (text.replace(b"\tEND=300\t", b"\tEND=300\n"), "columns"),
    ):
        with pysam.BGZFile(str(path), "wb") as out:
            out.write(malformed)
        with pytest.raises(DeepcohortError, match=words):
            genotype(folder, [path])


def answering(folder, rows, *regions):
    """gVCF of A that says which regions it answers for."""
    path = write_gvcf(folder, "A", rows, index=False)
    plain = path.with_suffix("")
    lines = plain.read_text().splitlines()
    lines[1:1] = [f"##deepcohort_region={region}" for region in regions]
    plain.write_text("\n".join(lines) + "\n")
    pysam.tabix_compress(str(plain), str(path), force=True)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    return path


@pytest.mark.parametrize(
    ("rows", "regions", "gap"),
    [
        ([block(1, 12), block(14, 300)], ["c1:1-300"], 13),
        ([block(2, 300)], ["c1:1-300"], 1),
        ([block(1, 299)], ["c1:1-300"], 300),
        ([block(1, 100), block(151, 300)], ["c1:1-100", "c1:141-300"], 141),
        ([], ["c1:1-300"], 1),
    ],
)
def test_bases_that_a_header_answers_for_must_have_a_record(folder, rows, regions, gap):
    other = write_gvcf(folder, "B", [block(1, 12), SNP, block(14, 300)])
    with pytest.raises(DeepcohortError, match=rf"A\.g\.vcf\.gz has no record of c1:{gap},"):
        genotype(folder, [answering(folder, rows, *regions), other])


def test_what_a_header_does_not_answer_for_may_be_left_out(folder):
    rows = [block(1, 12), SNP, block(14, 100), block(151, 300)]
    assert genotype(folder, [answering(folder, rows, "c1:1-100", "c1:151-300")])


def test_a_plain_vcf_is_refused(folder):
    row = "13 G A . GT:GQ:DP:AD:PL 0/1:99:30:15,15:300,0,400"
    with pytest.raises(DeepcohortError, match=r"A\.g\.vcf\.gz is a plain VCF, not a gVCF"):
        genotype(folder, [write_gvcf(folder, "A", [row])])


def cell_of(folder, record, sample="A"):
    rows = genotype(folder, [write_gvcf(folder, "A", rows_of(record)), write_gvcf(folder, "B", rows_of(SNP))])
    return rows["13 G A"][sample]


DIALECTS = {
    "haploid_gt_diploid_pl": (snp("1:99:30:0,30,0:400,90,0,390,450,840"), "1/1"),
    "pl_all_missing": (snp("0/1:99:30:15,15,0:.,.,.,.,.,."), "0/1"),
    "ad_all_missing": (snp("0/1:99:30:.,.,.:300,0,400,390,450,840"), "0/1"),
    "no_pl": (snp("0/1:99:30:15,15,0", "GT:GQ:DP:AD"), "0/1"),
    "no_data": ("c1 13 . G A,<NON_REF> . Bad . GT:PL ./.:-85899345,1,2,3,4,5", "./."),
    "gq_decimals": (snp("0/1:52.7:30:15,15,0:300,0,400,390,450,840"), "0/1"),
    "other_sb": (snp("0/1:99:-12.5:300,0,400,390,450,840", "GT:GQ:SB:PL"), "0/1"),
    "trailing_dropped": (snp("0/1:99:300,0,400,390,450,840", "GT:GQ:PL:AD:DP"), "0/1"),
    "lower_case": (snp("0/1:99:30:15,15,0:300,0,400,390,450,840", ref="g", alt="a,<NON_REF>"), "0/1"),
    "phased": (snp("1|0:99:30:15,15,0:300,0,400,390,450,840"), "0/1"),
    "leading_separator": (snp("/0/1:99:30:15,15,0:300,0,400,390,450,840"), "0/1"),
    "ref_n": (snp("0/1:99:30:15,15,0:300,0,400,390,450,840", ref="N"), "0/1"),
    "no_alt_three_pl": ("13 G . END=13 GT:DP:PL 0/0:30:0,90,900", "0/0"),
    "x_of_old_bcftools": ("13 G A,<X> . GT:GQ:DP:AD:PL 0/1:99:30:15,15,0:300,0,400,390,450,840", "0/1"),
    "breakend": ("13 G G[c1:200[,<NON_REF> . GT:GQ:DP:AD:PL 0/1:99:30:15,15,0:300,0,400,390,450,840", None),
}


@pytest.mark.parametrize("case", DIALECTS)
def test_dialects(folder, case):
    record, expected = DIALECTS[case]
    rows = genotype(folder, [write_gvcf(folder, "A", rows_of(record)), write_gvcf(folder, "B", rows_of(SNP))])
    assert list(rows) == ["13 G A"]  # no breakend among the alleles
    if expected is not None:
        assert rows["13 G A"]["A"]["GT"] == expected


def test_what_is_left_out_is_counted(folder):
    breakend = DIALECTS["breakend"][0]
    deletion = breakend.replace("13 G G[c1:200[,<NON_REF>", "20 C <DEL>,<INS:ME>,<NON_REF>").replace(
        "0/1:99:30:15,15,0:300,0,400,390,450,840", "0/0:99:30:30,0,0,0:0,90,900,90,900,900,90,900,900,900"
    )
    more = [block(1, 12), breakend, block(14, 19), deletion, block(21, 300)]
    paths = [write_gvcf(folder, "A", more), write_gvcf(folder, "B", rows_of(SNP))]
    config = JointConfig()
    done = genotype_cohort(paths, folder / "ref.fa", folder / "o.vcf.gz", config=config)
    assert [text for text in done.warnings if "left out" in text] == [
        "3 breakends or other symbolic alleles of the gVCFs are left out, the first at c1:13; genotype structural "
        "variants with a tool made for them"
    ]
    sound = genotype_cohort(paths[1:], folder / "ref.fa", folder / "o.vcf.gz", config=config)
    assert not sound.warnings


def test_commas_within_a_symbolic_allele_part_none(folder):
    """They are no part of VCF, but nothing else reads a comma there as the end of an allele."""
    record = "12 CG <DUP,X>,CA,<NON_REF> . GT:GQ:DP:AD:PL 0/2:99:30:15,0,15,0:300,390,600,0,400,450,350,390,400,700"
    rows = [block(1, 11), record, block(14, 300)]
    path = write_gvcf(folder, "A", rows)
    rows = genotype(folder, [path])
    assert list(rows) == ["13 G A"]
    assert rows["13 G A"]["A"]["GT"] == "0/1"
    assert rows["13 G A"]["A"]["AD"] == "15,15"
    genotype_cohort([path], folder / "ref.fa", None, save_store=folder / "a.store", quiet=True)
    done = genotype_cohort(
        [], folder / "ref.fa", folder / "o.vcf.gz", stores=[folder / "a.store"], quiet=True
    )
    assert [text[:2] for text in done.warnings] == ["1 "]
    assert done.n_sites == 1


def test_the_same_line_twice_is_one(folder):
    once = cell_of(folder, SNP)
    path = write_gvcf(folder, "A", [block(1, 12), SNP, SNP, block(14, 300), block(14, 300)])
    twice = genotype(folder, [path, write_gvcf(folder, "B", rows_of(SNP))])["13 G A"]["A"]
    assert twice == once


def test_no_alt_called(folder):
    cell = cell_of(folder, "13 G . END=13 GT:DP:PL 1/1:30:900,90,0")
    assert cell["GT"] != "0/0"


def test_cr_lf(folder):
    expected = cell_of(folder, SNP)
    path = write_gvcf(folder, "A", rows_of(SNP), index=False)
    text = path.with_suffix("").read_text().replace("\n", "\r\n")
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(text.encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)
    assert genotype(folder, [path, write_gvcf(folder, "B", rows_of(SNP))])["13 G A"]["A"] == expected


def test_haploid_genotypes_stay_haploid_on_any_contig(folder):
    haploid = snp("1:99:30:0,30,0:400,0,390")
    reference = "14 T <NON_REF> END=300 GT:GQ:DP:MIN_DP:PL 0:60:30:30:0,600"
    a = write_gvcf(folder, "A", [block(1, 12), haploid, reference])
    row = genotype(folder, [a, write_gvcf(folder, "B", rows_of(SNP))])["13 G A"]
    assert (row["A"]["GT"], row["B"]["GT"]) == ("1", "0/1")
    assert (row["INFO"]["AN"], row["INFO"]["AC"]) == ("3", "2")
    other = het(15, SEQUENCE[14], "A" if SEQUENCE[14] != "A" else "C")
    b = write_gvcf(folder, "B", [block(1, 14), other, block(16, 300)])
    row = next(iter(v for k, v in genotype(folder, [a, b]).items() if k.startswith("15 ")))
    assert row["A"]["GT"] == "0"
    assert row["INFO"]["AN"] == "3"


def test_iupac_letters_of_the_reference_become_n(tmp_path):
    sequence = SEQUENCE[:12] + "R" + SEQUENCE[13:]
    reference = write_reference(tmp_path, {"c1": sequence})
    deletion = "12 CGT C,<NON_REF> . GT:GQ:DP:AD:PL 0/1:99:30:15,15,0:300,0,400,390,450,840"
    path = write_gvcf(tmp_path, "A", [block(1, 11), deletion, block(15, 300)])
    rows = genotype(tmp_path, [path], reference=reference)
    assert all(set(key.split()[1]) <= set("ACGTN") for key in rows)
    assert any(key.split()[1].startswith("CN") for key in rows)
