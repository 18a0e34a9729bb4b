"""`haplotag`, from reads and calls to a BAM: tags are the planted haplotypes, bytes repeat, faults are told."""

import gzip
import shutil
import subprocess

import pysam
import pytest
from deepcohort.compose.call_setup import CallRequest, make_job
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.formats.bgzf import inflate_blocks
from deepcohort.haplotag import io_write
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.io_write import bam_writer
from deepcohort.haplotag.run import TagRequest, haplotag
from test_call_phase import CONTIG, LENGTH_BP, call, phased_of, write_reads


@pytest.fixture(scope="module", params=["short", "long"])
def inputs(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    given = write_reads(folder, request.param), request.param
    return *given, *call(folder, given, "x")[:2]


def tagged(inputs, output, config=None, **more):
    """What came of tagging the reads of `inputs`."""
    (reference, bam, _), _, _, vcf = inputs
    return haplotag(
        TagRequest(**{"vcf": vcf, "reads": [bam], "reference": reference, "output": output} | more), config
    )


def records(path, reference=None):
    with pysam.AlignmentFile(str(path), reference_filename=reference and str(reference)) as file:
        return list(file.fetch(until_eof=True))


def test_tags_are_the_planted_haplotypes(inputs, tmp_path):
    (_, bam, variants), kind, _, vcf = inputs
    done = tagged(inputs, tmp_path / "o.bam")
    planted = {pos: one for pos, _, one, _ in variants}
    snps = {pos for pos, ref, one, other in variants if len(ref) == len(one) == len(other) == 1}
    # side of the truth that lies left of the bar, by block
    left = {
        s["PS"]: 0 if alleles[0] == planted[p] else 1
        for p, (alleles, s) in phased_of(vcf).items()
        if p in snps
    }
    found = records(tmp_path / "o.bam")
    assert done.n_reads == len(found) == len(records(bam))
    assert done.n_tagged == sum(r.has_tag("HP") for r in found) > 0.85 * len(found)
    assert done.n_against < 0.01 * done.n_shown
    for record in found:
        assert record.has_tag("HP") == record.has_tag("PS")
        if record.has_tag("HP"):
            side = int(record.query_name.split(":")[0])
            assert record.get_tag("HP") == (1 if left[str(record.get_tag("PS"))] == side else 2)
    by_name = {}
    for record in found:
        by_name.setdefault(record.query_name, set()).add(record.has_tag("HP") and record.get_tag("HP"))
    assert kind == "long" or all(len(tags) == 1 for tags in by_name.values())  # mates go together


def test_nothing_else_is_changed(inputs, tmp_path):
    (_, bam, _), _, _, _ = inputs
    tagged(inputs, tmp_path / "o.bam")
    for before, after in zip(records(bam), records(tmp_path / "o.bam"), strict=True):
        fields = after.to_string().split("\t")
        assert [x for x in fields if not x.startswith(("HP:i:", "PS:i:"))] == before.to_string().split("\t")
    with pysam.AlignmentFile(str(tmp_path / "o.bam")) as file:
        assert file.has_index()
        assert sum(1 for _ in file.fetch(CONTIG, 2_000, 3_000)) > 0
        programs = file.header.to_dict()["PG"]
    assert programs[-1]["PN"] == "deepcohort"
    assert "--vcf x.vcf.gz --reads x.bam --reference r.fa" in programs[-1]["CL"]


def test_bytes_repeat(inputs, tmp_path, monkeypatch):
    """Whatever the chunks, the batches, the parts and the threads; from VCF or gVCF."""
    tagged(inputs, tmp_path / "a.bam")
    monkeypatch.setattr("deepcohort.haplotag.io_write._PART_BASES", 250)
    tagged(inputs, tmp_path / "b.bam", HaplotagConfig(chunk_bp=700, batch_reads=3), threads=2)
    assert (tmp_path / "a.bam").read_bytes() == (tmp_path / "b.bam").read_bytes()
    tagged(inputs, tmp_path / "c.bam", vcf=inputs[2])
    assert [r.to_string() for r in records(tmp_path / "a.bam")] == [
        r.to_string() for r in records(tmp_path / "c.bam")
    ]


def test_tagging_again_takes_old_tags_off(inputs, tmp_path):
    (_, bam, _), _, _, _ = inputs
    old = tmp_path / "old.bam"
    with pysam.AlignmentFile(str(bam)) as file, pysam.AlignmentFile(str(old), "wb", template=file) as out:
        for record in file:
            record.set_tags([*record.get_tags(), ("HP", 2), ("PS", 1), ("PC", 60)])
            out.write(record)
    pysam.index(str(old))
    tagged(inputs, tmp_path / "a.bam")
    tagged(inputs, tmp_path / "b.bam", reads=[old])
    assert [r.to_string() for r in records(tmp_path / "a.bam")] == [
        r.to_string() for r in records(tmp_path / "b.bam")
    ]
    tagged(inputs, tmp_path / "c.bam", reads=[tmp_path / "b.bam"])
    with pysam.AlignmentFile(str(tmp_path / "c.bam")) as file:
        lines = file.header.to_dict()["PG"]
    assert [line["ID"] for line in lines][-2:] == ["deepcohort", "deepcohort.1"]
    assert lines[-1]["PP"] == "deepcohort"


def test_cram(inputs, tmp_path):
    reference = inputs[0][0]
    tagged(inputs, tmp_path / "a.bam")
    tagged(inputs, tmp_path / "a.cram")
    assert (tmp_path / "a.cram.crai").is_file()

    def tags(path):
        return [(r.query_name, r.flag, r.has_tag("HP") and r.get_tag("HP")) for r in records(path, reference)]

    assert tags(tmp_path / "a.bam") == tags(tmp_path / "a.cram")


def test_several_files_become_one(inputs, tmp_path):
    (_, bam, _), _, _, _ = inputs
    parts = [tmp_path / "p0.bam", tmp_path / "p1.bam"]
    with pysam.AlignmentFile(str(bam)) as file:
        outs = [pysam.AlignmentFile(str(path), "wb", template=file) for path in parts]
        for record in file:  # mates stay together
            outs[int(record.query_name.split(":")[1]) % 24 == 0].write(record)
        for out in outs:
            out.close()
    for path in parts:
        pysam.index(str(path))
    tagged(inputs, tmp_path / "a.bam")
    tagged(inputs, tmp_path / "b.bam", reads=parts)
    whole, joined = (sorted(r.to_string() for r in records(tmp_path / x)) for x in ("a.bam", "b.bam"))
    assert whole == joined
    pos = [r.reference_start for r in records(tmp_path / "b.bam")]
    assert pos == sorted(pos)


def test_faults_are_told_and_nothing_is_left(inputs, tmp_path):
    (reference, bam, _), _, _, _ = inputs
    out = tmp_path / "o.bam"
    plain = call(tmp_path, inputs[:2], "plain", phase=None)[1]
    pending = call(tmp_path, inputs[:2], "pending", evidence=True)[1]
    with pytest.raises(DeepcohortError, match=r"plain\.vcf\.gz is not phased: no GT 0.1 of S"):
        tagged(inputs, out, vcf=plain)
    with pytest.raises(DeepcohortError, match="is not phased yet; give what `deepcohort merge` makes"):
        tagged(inputs, out, vcf=pending)
    with pytest.raises(DeepcohortError, match="has no sample T"):
        tagged(inputs, out, sample="T")
    with pytest.raises(DeepcohortError, match=r"must end in \.bam or \.cram"):
        tagged(inputs, tmp_path / "o.sam")
    with pytest.raises(InputProblems, match=r"nowhere\.bam does not exist"):
        tagged(inputs, out, reads=[tmp_path / "nowhere.bam"])
    other = tmp_path / "other.bam"
    header = pysam.view("-H", str(bam)).replace("SM:S", "SM:T")
    (tmp_path / "h.sam").write_text(header)
    other.write_bytes(b"")
    pysam.reheader(str(tmp_path / "h.sam"), str(bam), catch_stdout=True, save_stdout=str(other))
    pysam.index(str(other))
    with pytest.raises(
        DeepcohortError, match=r"holds reads of T, but .* is of S; if they are one, give --sample S"
    ):
        tagged(inputs, out, reads=[other])
    assert tagged(inputs, out, reads=[other], sample="S").n_tagged > 0
    out.unlink()
    text = reference.read_text().split("\n")[1]
    (tmp_path / "r.fa").write_text(f">{CONTIG}\n{text.translate(str.maketrans('ACGT', 'CGTA'))}\n")
    pysam.faidx(str(tmp_path / "r.fa"))
    with pytest.raises(DeepcohortError, match="which is not the reference's"):
        tagged(inputs, out, reference=tmp_path / "r.fa")
    cut = tmp_path / "cut.bam"
    cut.write_bytes(bam.read_bytes()[:-2_000])
    shutil.copy(f"{bam}.bai", f"{cut}.bai")
    with pytest.raises(DeepcohortError, match=r"cut\.bam"):
        tagged(inputs, out, reads=[cut])
    assert not out.exists()
    assert not list(tmp_path.glob(".tmp*"))


def test_a_sample_without_heterozygotes_is_no_fault(inputs, tmp_path):
    vcf = tmp_path / "none.vcf"
    with gzip.open(inputs[3], "rt") as file:
        vcf.write_text("".join(line for line in file if line.startswith("#")))
    pysam.tabix_compress(str(vcf), f"{vcf}.gz")
    done = tagged(inputs, tmp_path / "o.bam", vcf=tmp_path / "none.vcf.gz")
    assert (done.n_tagged, done.n_reads) == (0, len(records(inputs[0][1])))


def test_call_wants_phase_for_tags(inputs, tmp_path):
    (reference, bam, _), _, _, _ = inputs
    with pytest.raises(InputProblems, match="--haplotag is by phased calls") as told:
        make_job(
            CallRequest(
                (bam,), reference, vcf=tmp_path / "x.vcf.gz", phase=False, haplotag=tmp_path / "x.sam"
            )
        )
    assert any("must end in .bam or .cram" in line for line in told.value.problems)


@pytest.mark.skipif(shutil.which("samtools") is None, reason="samtools is not installed")
def test_samtools_takes_it_for_sound(inputs, tmp_path):
    tagged(inputs, tmp_path / "o.bam")
    done = subprocess.run(
        ["samtools", "quickcheck", "-v", tmp_path / "o.bam"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    view = ["samtools", "view", "-c", "-d", "HP:1", tmp_path / "o.bam", f"{CONTIG}:1-{LENGTH_BP}"]
    n = int(subprocess.run(view, capture_output=True, text=True, check=True).stdout)
    assert 0 < n < len(records(tmp_path / "o.bam"))


def test_a_bam_is_written_as_htslib_writes_it(inputs, tmp_path, monkeypatch):
    """But for deflating: the same plain text, header included; without records too; nothing is left beside."""
    (_, bam, _), _, _, _ = inputs
    monkeypatch.setattr("deepcohort.haplotag.io_write._PART_BASES", 1_000)
    (tmp_path / "own").mkdir()
    for some in ([], records(bam)):
        with pysam.AlignmentFile(str(bam)) as file:
            header = file.header
        with pysam.AlignmentFile(str(tmp_path / "theirs.bam"), "wb", header=header) as out:
            for record in some:
                out.write(record)
        with bam_writer(tmp_path / "own" / "a.bam", header) as put:
            put(some[:1])
            put([])
            put(some[1:])
        own, theirs = (
            b"".join(text for text, _ in inflate_blocks(path, 0))
            for path in (tmp_path / "own" / "a.bam", tmp_path / "theirs.bam")
        )
        assert own == theirs
        assert [path.name for path in (tmp_path / "own").iterdir()] == ["a.bam"]


def test_small_puts_make_no_part_each(inputs, tmp_path, monkeypatch):
    """A part costs as much as the header is long; contigs may be many, with few reads each."""
    (_, bam, _), _, _, _ = inputs
    parts, inflate = [], io_write.inflate_blocks
    monkeypatch.setattr(io_write, "inflate_blocks", lambda *args: parts.append(args) or inflate(*args))
    some = records(bam)[:100]
    with pysam.AlignmentFile(str(bam)) as file:
        header = file.header
    with bam_writer(tmp_path / "a.bam", header) as put:
        for record in some:
            put([record])
    assert len(parts) == 2  # header, and all records
    assert len(records(tmp_path / "a.bam")) == len(some)
