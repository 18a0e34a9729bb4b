"""FASTQ to a sample's BAM: by whichever aligner is here, the same bytes whatever the threads."""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort import cli
from deepcohort.align import tools
from deepcohort.align.fastq_count import count_reads
from deepcohort.align.index import make_index
from deepcohort.align.io_run import align_lane, finish_sample, read_group, read_program
from deepcohort.align.pipes import Step, run_pipe
from deepcohort.align.tools import Aligner, find_aligner, missing_aligners, preset_of
from deepcohort.cohort.io import index_reference
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.reads.load import open_reads
from typer.testing import CliRunner

COMPLEMENT = str.maketrans("ACGT", "TGCA")
READ_BP, INSERT_BP, N_PAIRS = 100, 300, 120


def turned(sequence: str) -> str:
    return sequence.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference of two contigs, two lanes of pairs; the first pair of lane 1 is in lane 2 again: a duplicate."""
    folder = tmp_path_factory.mktemp("align")
    rng = np.random.default_rng(5)
    contigs = {f"chr{i}": "".join(rng.choice(list("ACGT"), size)) for i, size in ((1, 6000), (2, 3000))}
    (folder / "ref.fa").write_text("".join(f">{name}\n{text}\n" for name, text in contigs.items()))
    index_reference(folder / "ref.fa")
    pairs = []
    for i in range(2 * N_PAIRS):
        text = contigs["chr1" if i % 3 else "chr2"]
        start = int(rng.integers(0, len(text) - INSERT_BP - 40))
        piece = text[start : start + INSERT_BP + i % 40]
        pairs.append((f"p{i}", piece[:READ_BP], turned(piece[-READ_BP:])))
    lanes = [pairs[:N_PAIRS], [*pairs[N_PAIRS:], ("copy", *pairs[0][1:])]]
    for number, lane in enumerate(lanes, 1):
        for mate in (1, 2):
            text = "".join(f"@{p[0]}\n{p[mate]}\n+\n{'F' * READ_BP}\n" for p in lane)
            (folder / f"L{number}_{mate}.fq.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    long_reads = [(f"l{i}", contigs["chr1"][i * 200 : i * 200 + 2500]) for i in range(12)]
    (folder / "long.fq").write_text("".join(f"@{n}\n{s}\n+\n{'?' * len(s)}\n" for n, s in long_reads))
    return folder


def need(name: str) -> None:
    if tools._look_for(name) is None:
        pytest.skip(f"{name} is not installed here")


def whole(data: Path, folder: Path, aligner: str, threads: int, suffix: str = "bam") -> Path:
    folder.mkdir(parents=True)
    make_index(data / "ref.fa", "illumina", folder / "index", aligner)
    lanes = []
    for number in (1, 2):
        files = [data / f"L{number}_{mate}.fq.gz" for mate in (1, 2)]
        lanes.append(folder / f"L{number}.bam")
        group = read_group("S", f"L{number}", "illumina")
        found = align_lane(
            files, data / "ref.fa", folder / "index", lanes[-1], group, aligner=aligner, threads=threads
        )
    output = folder / f"S.{suffix}"
    finish_sample(lanes, data / "ref.fa", output, True, (found.program, found.version), threads)
    return output


@pytest.mark.parametrize("aligner", ["bwa-mem2", "bwa", "pybwa"])
def test_lanes_to_a_sample(data, tmp_path, aligner):
    need(aligner)
    one, two = whole(data, tmp_path / "1", aligner, 1), whole(data, tmp_path / "2", aligner, 2)
    for suffix in ("", ".bai"):
        digests = [hashlib.sha256(Path(f"{path}{suffix}").read_bytes()).hexdigest() for path in (one, two)]
        assert digests[0] == digests[1]
    with pysam.AlignmentFile(str(one)) as file:
        header, records = file.header.to_dict(), list(file.fetch(until_eof=True))
        assert file.check_index()
    assert header["HD"]["SO"] == "coordinate"
    assert [(g["ID"], g["SM"], g["LB"], g["PU"], g["PL"]) for g in header["RG"]] == [
        (f"S.L{i}", "S", "S", f"L{i}", "ILLUMINA") for i in (1, 2)
    ]
    assert "CL" not in "".join(key for program in header["PG"] for key in program)
    assert len(records) == 2 * (2 * N_PAIRS + 1)
    assert all(r.is_proper_pair and r.mapping_quality >= 20 for r in records if r.query_name != "copy")
    assert {r.get_tag("RG") for r in records} == {"S.L1", "S.L2"}
    marked = [r.query_name for r in records if r.is_duplicate]
    assert len(marked) == 2  # both mates of one of the two, across lanes
    assert set(marked) <= {"p0", "copy"}
    assert len(set(marked)) == 1
    assert not list(one.parent.glob(".*"))


def test_pybwa_reads_an_index_that_bwa_made(data, tmp_path):
    """As it lies beside many references: without the list of contigs that pybwa makes for itself."""
    need("bwa")
    need("pybwa")
    make_index(data / "ref.fa", "illumina", tmp_path / "index", "bwa")
    files = [data / f"L1_{mate}.fq.gz" for mate in (1, 2)]
    found = []
    for aligner in ("bwa", "pybwa"):
        output = tmp_path / f"{aligner}.bam"
        align_lane(
            files,
            data / "ref.fa",
            tmp_path / "index",
            output,
            read_group("S", "1", "illumina"),
            aligner=aligner,
        )
        with pysam.AlignmentFile(str(output)) as file:
            found.append(
                [(r.query_name, r.flag, r.reference_start, r.cigarstring, r.mapping_quality) for r in file]
            )
    assert found[0] == found[1]


def test_a_cram_names_checksums_and_no_paths(data, tmp_path):
    if not any(tools._look_for(name) for name in tools.SHORT):
        pytest.skip("no aligner of short reads is installed here")
    one, two = (whole(data, tmp_path / str(i), "auto", i, "cram") for i in (1, 2))
    assert one.read_bytes() == two.read_bytes()
    with pysam.AlignmentFile(str(one), reference_filename=str(data / "ref.fa")) as file:
        assert sum(1 for _ in file.fetch("chr1")) > 100
        text = str(file.header)
    assert text.count("\tM5:") == 2
    assert str(tmp_path) not in text
    assert "UR:" not in text
    raw = one.read_bytes()
    assert raw[-76:-38] != raw[-38:]  # it ends once
    with open_reads([one], data / "ref.fa") as source:  # as `call` does, which holds the index against it
        assert len(source.fetch(Region("chr1", 0, 6000)).pos) > 100


@pytest.mark.parametrize("aligner", ["minimap2", "mappy"])
def test_long_reads(data, tmp_path, aligner):
    need(aligner)
    make_index(data / "ref.fa", "ont", tmp_path / "index", aligner)
    group = read_group("S", "1", "ont")
    lane = tmp_path / "l.bam"
    align_lane([data / "long.fq"], data / "ref.fa", tmp_path / "index", lane, group, "ont", aligner)
    finish_sample([lane], data / "ref.fa", tmp_path / "S.bam", mark=False)
    with pysam.AlignmentFile(str(tmp_path / "S.bam")) as file:
        records = list(file.fetch("chr1"))
        assert "samtools" not in [program["ID"] for program in file.header.to_dict()["PG"]]
    assert {(r.query_name, r.reference_start) for r in records} == {(f"l{i}", i * 200) for i in range(12)}


def test_which_aligner_is_taken(tmp_path, monkeypatch):
    here = {"bwa": Aligner("bwa", "/x/bwa", "0.7"), "minimap2": Aligner("minimap2", "/x/minimap2", "2.24")}
    monkeypatch.setattr(tools, "_look_for", here.get)
    assert find_aligner("illumina").name == "bwa"
    assert find_aligner("ont").name == "minimap2"
    with pytest.raises(DeepcohortError, match="bwa-mem2 is not here, and illumina reads need it"):
        find_aligner("illumina", "bwa-mem2")
    with pytest.raises(DeepcohortError, match="does not align ont reads"):
        find_aligner("ont", "bwa")
    with pytest.raises(DeepcohortError, match="holds no index"):
        find_aligner("illumina", index=tmp_path)
    for suffix in tools.INDEX_SUFFIXES["bwa"]:
        (tmp_path / f"genome{suffix}").touch()
    assert find_aligner("illumina", index=tmp_path).name == "bwa"
    here.clear()
    lines = missing_aligners({"illumina", "hifi"})
    assert len(lines) == 2
    assert "minimap2 or mappy is not here, and hifi reads need it; install minimap2" in lines[0]
    assert "apt install bwa" in lines[1]


def test_presets_follow_the_version():
    assert preset_of("hifi", Aligner("minimap2", "x", "2.24-r1122")) == "map-hifi"
    assert preset_of("ont", Aligner("minimap2", "x", "2.24-r1122")) == "map-ont"
    assert preset_of("ont", Aligner("mappy", "", "2.31")) == "lr:hq"


def test_a_failing_step_is_told_in_one_line():
    false, cat = (shutil.which(name) or name for name in ("false", "cat"))
    with pytest.raises(DeepcohortError, match=r"^first failed \(exit 1\): no message$"):
        run_pipe([Step((false,), "first"), Step((cat,), "second")])
    noisy = Step(("sh", "-c", "echo '[E::x] error: disk' >&2; echo bye >&2; exit 3"), "noisy")
    with pytest.raises(DeepcohortError, match=r"^noisy failed \(exit 3\): \[E::x\] error: disk$"):
        run_pipe([noisy])
    with pytest.raises(MemoryError):
        run_pipe([Step(("sh", "-c", "kill -9 $$"), "struck")])
    # the first step loses its reader: that is not its fault
    endless = Step(("sh", "-c", "while echo x; do :; done"), "endless")
    with pytest.raises(DeepcohortError, match=r"^second failed"):
        run_pipe([endless, Step(("sh", "-c", "exit 4"), "second")])


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (gzip.compress(b"@r\nA\n+\nF\n" * 9000, mtime=0)[:-9], None, "is cut off or damaged"),
        (b"@r\nA\n+\nF\n@s\nA\n", None, "has 6 lines, no multiple of four"),
        (b"@r\nA\n+\nF\n" * 3, b"@r\nA\n+\nF\n" * 2, "not the same number of reads"),
    ],
)
def test_files_that_are_cut_off(tmp_path, first, second, problem):
    """bwa takes them for short ones, and ends well."""
    files = []
    for name, content in (("1.fq", first), ("2.fq", second)):
        if content is not None:
            files.append(tmp_path / name)
            files[-1].write_bytes(content)
    with pytest.raises(DeepcohortError, match=problem):
        count_reads(files)


def test_reads_are_counted(tmp_path):
    (tmp_path / "1.fq").write_bytes(b"@r\nA\n+\nF\n" * 5)
    (tmp_path / "2.fq.gz").write_bytes(gzip.compress((b"@r\nA\n+\nF\n" * 5)[:-1]))  # no line end
    assert count_reads([tmp_path / "1.fq", tmp_path / "2.fq.gz"]) == 5


def test_damaged_reads_leave_nothing(data, tmp_path):
    if not any(tools._look_for(name) for name in tools.SHORT):
        pytest.skip("no aligner of short reads is installed here")
    make_index(data / "ref.fa", "illumina", tmp_path / "index")
    (tmp_path / "a.fq.gz").write_text("@r\nACGT\n+\nFF\n")
    run = CliRunner().invoke(
        cli.app,
        ["align", "reads", "--fastq", str(tmp_path / "a.fq.gz"), "--reference", str(data / "ref.fa"), "--index",
         str(tmp_path / "index"), "--sample", "S", "--output", str(tmp_path / "o.bam")],
    )  # fmt: skip
    assert isinstance(run.exception, DeepcohortError)
    assert "has 4 bases and 2 qualities" in str(run.exception)
    assert not (tmp_path / "o.bam").exists()


def write_lane(
    path: Path, contigs: dict[str, int], sample: str = "S", group: str = "S.1", at: int = 5
) -> Path:
    """A BAM with a read on each contig."""
    header = pysam.AlignmentHeader.from_dict({
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": name, "LN": length} for name, length in contigs.items()],
        "RG": [{"ID": group, "SM": sample}],
    })  # fmt: skip
    with pysam.AlignmentFile(str(path), "wb", header=header) as bam:
        for number in range(len(contigs)):
            read = pysam.AlignedSegment(header)
            read.query_name, read.reference_id, read.reference_start = f"{group}.{number}", number, at
            read.mapping_quality, read.cigarstring, read.query_sequence = 60, "4M", "ACGT"
            read.query_qualities = pysam.qualitystring_to_array("IIII")
            read.set_tag("RG", group)
            bam.write(read)
    return path


CONTIGS = {"chr1": 6000, "chr2": 3000}


@pytest.mark.parametrize(
    ("lane", "problem"),
    [
        (({"chr2": 3000, "chr1": 6000},), "were aligned to references of other contigs"),
        (({"chr1": 6000},), "were aligned to references of other contigs"),
        (({**CONTIGS, "chr2": 3001},), "another reference: its chr2 is not as long"),
        ((CONTIGS, "T"), r"lanes are of several samples \(.*1\.bam S, .*2\.bam T\)"),
        (None, "does not exist; check --lane"),
        ("ref.fa", "is no BAM of aligned reads"),
        ("L1_1.fq.gz", "cannot be read as BAM|is no BAM of aligned reads"),
    ],
)
def test_lanes_that_do_not_belong_together(data, tmp_path, lane, problem):
    """Reads of another reference's chr1 lay beyond its end; two persons became one file."""
    first = write_lane(tmp_path / "1.bam", CONTIGS)
    second = tmp_path / "2.bam"
    if isinstance(lane, str):
        second = data / lane
    elif lane is not None:
        write_lane(second, lane[0], *lane[1:], group="S.2")
    with pytest.raises(DeepcohortError, match=problem):
        finish_sample([first, second], data / "ref.fa", tmp_path / "o.bam", mark=False)
    assert not (tmp_path / "o.bam").exists()


def test_lanes_of_one_sample(data, tmp_path):
    lanes = [write_lane(tmp_path / f"{n}.bam", CONTIGS, group=f"S.{n}") for n in (1, 2)]
    (tmp_path / "o.bam.csi").write_text("of an older file")
    finish_sample(lanes, data / "ref.fa", tmp_path / "o.bam", mark=False)
    with pysam.AlignmentFile(str(tmp_path / "o.bam")) as bam:
        assert bam.count(until_eof=True) == 4
        assert bam.count("chr1", 0, 9) == 2
    assert not (tmp_path / "o.bam.csi").exists()


def test_a_contig_that_is_too_long_for_a_bai(data, tmp_path):
    lane = write_lane(tmp_path / "1.bam", {"long": 600_000_000}, at=550_000_000)
    finish_sample([lane], data / "ref.fa", tmp_path / "o.bam", mark=False)
    with pysam.AlignmentFile(str(tmp_path / "o.bam")) as bam:
        assert bam.count("long", 550_000_000, 550_000_009) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.bam", "o.bam", "o.bam.csi"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"bwa 0.7.17\n>chr1\n", "is no file of `align reads --version-file`"),
        (b"", "is no file of `align reads --version-file`"),
        (b"\xff\xfe", "is no UTF-8 text"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_that_tell_of_no_aligner(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(DeepcohortError, match=problem):
        read_program([tmp_path / "x"])
    (tmp_path / "y").write_text("bwa-mem2 2.2.1+ds-1~x\n")
    assert read_program([tmp_path / "y"] * 2) == ("bwa-mem2", "2.2.1+ds-1~x")


@pytest.mark.parametrize(
    ("sample", "lane"), [("", "1"), ("S", ""), ("a\tb", "1"), ("S", "1\n"), ("a\\b", "1")]
)
def test_names_that_no_read_group_holds(sample, lane):
    with pytest.raises(DeepcohortError, match=r"--(sample|lane) "):
        read_group(sample, lane, "illumina")
