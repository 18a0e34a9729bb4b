"""The picture of a site."""

from itertools import pairwise

import numpy as np
import pysam
import pytest
from deepcohort.cli import app
from deepcohort.compose.io_warm import write_warm_inputs
from deepcohort.compose.show_drawing import haplotype_groups, read_image
from deepcohort.compose.show_run import by_sample, gather, gather_samples, show_site
from deepcohort.compose.show_types import GAP, OUTSIDE
from deepcohort.core.errors import DeepcohortError
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    from deepcohort.model.archive import find_model

    try:
        find_model("auto", "illumina")
    except DeepcohortError:
        pytest.skip("no model is shipped")
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return [bams[0]], reference


def test_evidence_of_a_deletion(inputs):
    picture = gather(*inputs, "warm:3001", "", "illumina", "auto", 100)
    assert picture.pos == 3_000
    assert "GGGT>G" in picture.title
    centre = picture.pos - picture.start
    deleted = [read for read in picture.reads if read.allele == 1]
    assert deleted
    shown = [read for read in deleted if read.codes[centre + 1] == GAP]
    assert all((read.codes[centre + 1 : centre + 4] == GAP).all() for read in shown)
    assert len(shown) > len(deleted) / 2
    for read in picture.reads:
        known = (read.codes != GAP) & (read.codes != OUTSIDE) & ~read.clipped
        assert (read.codes[known] == picture.reference[known]).mean() > 0.8
    assert picture.pixels.ndim == 3
    assert picture.probabilities.sum() == pytest.approx(1, abs=1e-3)


def test_picture_is_written(inputs, tmp_path):
    line = show_site(*inputs, "warm:4001", tmp_path / "x.png")
    assert line.startswith("warm:4001 C>CTTCAG")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    image = read_image(gather(*inputs, "warm:4001", "", "illumina", "auto", 5))
    assert image.shape[0] <= 6
    assert np.isfinite(image).all()


def test_where_there_is_nothing_to_show(inputs, tmp_path):
    with pytest.raises(DeepcohortError, match=r"warm:1500 is no candidate with ALT G; no candidate is near"):
        show_site(*inputs, "warm:1500", tmp_path / "x.png", alt="G")
    with pytest.raises(DeepcohortError, match="its alternates are"):
        show_site(*inputs, "warm:4001", tmp_path / "x.png", alt="G")
    with pytest.raises(DeepcohortError, match="must end in"):
        show_site(*inputs, "warm:4001", tmp_path / "x.txt")
    assert list(tmp_path.iterdir()) == []


def test_reads_alone_where_no_candidate_is(inputs, tmp_path):
    picture = gather(*inputs, "warm:1500", "", "illumina", "auto", 100)
    assert picture.pixels is None
    assert len(picture.reads) == picture.n_reads > 5
    assert all(read.codes[picture.pos - picture.start] != OUTSIDE for read in picture.reads)
    line = show_site(*inputs, "warm:1500", tmp_path / "x.png")
    assert line.startswith("warm:1500 is no candidate   reads ")
    assert (tmp_path / "x.png").stat().st_size > 5_000


def test_width_coverage_and_samples(inputs, tmp_path):
    """A wider window, depth by column, and two samples beneath each other."""
    narrow = gather(*inputs, "warm:4001", "", "illumina", "auto", 100)
    wide = gather(*inputs, "warm:4001", "", "illumina", "auto", 100, 90)
    assert len(wide.reference) == len(narrow.reference) + 120
    assert wide.coverage.shape == (len(wide.reference), 6)
    assert wide.coverage[wide.pos - wide.start].sum() >= len(narrow.reads) / 2
    assert (wide.coverage[60:-60] == narrow.coverage).mean() > 0.99
    files = by_sample(inputs[0], inputs[1])
    assert len(files) == 1
    name, paths = next(iter(files.items()))
    two = gather_samples(
        {name: paths, "other": paths}, inputs[1], "warm:4001", "", "illumina", "auto", 40, 30
    )
    assert [picture.sample for picture in two] == [name, "other"]
    assert all(len(picture.reads) <= 21 for picture in two)
    assert two[0].line.startswith(f"{name}   warm:4001 C>CTTCAG")


def test_many_sites_on_one_page(inputs, tmp_path):
    """Judged records of an annotated VCF, with next and previous."""
    import pysam
    from deepcohort.compose.io_sites import Site, sites_of
    from deepcohort.compose.show_page import write_page
    from deepcohort.compose.show_run import by_sample

    text = (
        '##fileformat=VCFv4.2\n##contig=<ID=warm>\n##FORMAT=<ID=BD,Number=1,Type=String,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tTRUTH\tQUERY\n"
        "warm\t3001\t.\tGGGT\tG\t.\t.\t.\tBD\t.\tFP\nwarm\t4001\t.\tC\tCTTCAG\t.\t.\t.\tBD\tTP\tTP\n"
    )
    path = tmp_path / "annotated.vcf"
    path.write_text(text)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    vcf = tmp_path / "annotated.vcf.gz"
    assert sites_of(vcf, "FP", 100) == [Site("warm:3001", "GGGT>G FP")]
    assert [site.text for site in sites_of(vcf, "", 1)] == ["warm:3001"]
    assert len(sites_of(vcf, "", 9)) == 2
    out = tmp_path / "page.html"
    files = by_sample(inputs[0], inputs[1])
    sites = [*sites_of(vcf, "FP", 9), Site("warm:1500", "<b>")]
    assert write_page(files, inputs[1], sites, out, "illumina", "auto", 20, 30, quiet=True) == 2
    page = out.read_text()
    assert page.count("<section ") == page.count("data:image/png;base64,") == 2
    assert 'id="next"' in page
    assert 'id="previous"' in page
    assert "<b>" not in page
    with pytest.raises(DeepcohortError, match="no site to show"):
        write_page(files, inputs[1], [], out, "illumina", "auto", 20, 30)
    (tmp_path / "plain.vcf").write_text(text.replace("BD", "XX"))
    with pytest.raises(DeepcohortError, match="has no FORMAT/BD"):
        sites_of(tmp_path / "plain.vcf", "FP", 9)


def test_reads_by_haplotype(inputs, tmp_path):
    """HP 1 above HP 2 above none; ALT above REF within; nothing else moves."""
    (bam,), reference = inputs
    tagged, tags = tmp_path / "tagged.bam", {}
    with pysam.AlignmentFile(str(bam)) as file, pysam.AlignmentFile(str(tagged), "wb", template=file) as out:
        for record in file:
            tag = tags.setdefault(record.query_name, len(tags) % 3)
            if tag:
                record.set_tag("HP", tag, "i")
            out.write(record)
    pysam.index(str(tagged))
    files, more = by_sample([tagged], reference), ("warm:4001", "", "illumina", "auto", 100, 30)
    plain = gather_samples(files, reference, *more)[0]
    (picture,) = gather_samples(files, reference, *more, haplotypes=True)
    shown = [read.haplotype for read in picture.reads]
    assert shown == sorted(shown, key=lambda tag: (tag == 0, tag))
    assert set(shown) == {0, 1, 2}
    rows = haplotype_groups(picture)
    assert [tag for tag, _, _ in rows] == [1, 2, 0]
    assert rows[0][1] == 1
    assert rows[-1][2] == len(shown) + 1
    assert [(a[2], b[1]) for a, b in pairwise(rows)] == [(b[1], b[1]) for b in rows[1:]]
    for tag in (0, 1, 2):
        names = [read.name_hash for read in picture.reads if read.haplotype == tag]
        before = [read.name_hash for read in plain.reads if read.name_hash in set(names)]
        assert names == before
    n_tagged = sum(read.haplotype > 0 for read in picture.reads)
    assert 0.5 < n_tagged / len(shown) < 0.85
    show_site([tagged], reference, "warm:4001", tmp_path / "x.png", haplotypes=True)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_the_alt_that_was_asked_for(inputs, tmp_path):
    """Of several samples too: one without it shows its reads."""
    (bam,), reference = inputs
    other = bam.with_name("warm1.bam")
    more = [reference, "warm:4001"]
    common = ["illumina", "auto", 20, 30]
    two = gather_samples({"a": [bam], "b": [other]}, *more, "CTTCAG", *common)
    assert two[0].line.startswith("a   warm:4001 C>CTTCAG")
    assert two[1].line.startswith("b   warm:4001 is no candidate with ALT CTTCAG   reads ")
    with pytest.raises(DeepcohortError, match="no candidate with ALT G in any of 2 samples"):
        gather_samples({"a": [bam], "b": [other]}, *more, "G", *common)
    page = tmp_path / "x.html"
    words = ["show", "-I", bam, "-R", reference, "-o", page, "--alt", "G", "--quiet"]
    for told, site in (("its alternates are", []), ("--alt is of one --site", ["--site", "warm:3001"])):
        done = CliRunner().invoke(app, [*map(str, words), "--site", "warm:4001", *site])
        assert isinstance(done.exception, DeepcohortError)
        assert told in str(done.exception)
    assert not page.exists()


@pytest.mark.parametrize("site", ["warm", "warm:5-9", "warm:5-", "warm:x", "warm:"])
def test_texts_that_are_no_site(inputs, site, tmp_path):
    with pytest.raises(DeepcohortError, match="is no place; write CONTIG:POS"):
        show_site(*inputs, site, tmp_path / "x.png")


def test_reference_blocks_are_no_sites(tmp_path):
    from deepcohort.compose.io_sites import sites_of

    path = tmp_path / "x.g.vcf"
    alts = ("<NON_REF>", "<*>", "C,<NON_REF>", "<DEL>", ".")
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=warm>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"warm\t{n}\t.\tA\t{alt}\t.\t.\t.\n" for n, alt in enumerate(alts, 1))
    )
    assert [site.text for site in sites_of(path, "", 9)] == ["warm:3", "warm:4"]


def test_haplotypes_that_are_text(inputs, tmp_path):
    from deepcohort.compose.io_haplotypes import haplotypes_near
    from deepcohort.core.region import Region

    (bam,), reference = inputs
    tagged = tmp_path / "x.bam"
    with (
        pysam.AlignmentFile(str(bam)) as source,
        pysam.AlignmentFile(str(tagged), "wb", template=source) as out,
    ):
        for number, read in enumerate(source):
            read.set_tag("HP", "maternal" if number % 2 else 1)
            out.write(read)
    pysam.index(str(tagged))
    assert set(haplotypes_near([tagged], reference, Region("warm", 0, 9_000)).values()) == {1}
