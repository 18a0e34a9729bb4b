"""Spoilt inputs that once went wrong (shared cases): one line and nothing written, or the content of the intact."""

import contextlib
import gzip
import hashlib
import io
import os
import re
import shutil
from functools import lru_cache
from pathlib import Path

import pytest

SHARED = Path(
    os.environ.get("DEEPCOHORT_CASES", Path(__file__).parents[3] / ".." / "shared" / "cases")
).resolve()
MALFORMED, GVCF = SHARED / "malformed", SHARED / "gvcf"
pytestmark = [
    pytest.mark.skipif(not MALFORMED.is_dir(), reason=f"no cases at {SHARED}"),
    pytest.mark.xdist_group("spoilt_cases"),
]
KINDS = ("gen", "merge", "filter", "eval", "stats", "examples", "export", "check", "call_bai", "call_crai", "call_fasta", "call_bam")  # fmt: skip
INPUTS = ("", "sim", "ev", "st")
# edits that leave a well-formed file with another meaning: nobody can tell
MEANINGLESS: set[str] = set()


def fuzz_cases() -> list[str]:
    if not MALFORMED.is_dir():
        return []
    names = sorted(path.name for path in (MALFORMED / "fuzz").iterdir() if (path / "CMD").exists())
    return [name for name in names if name.split("_", 1)[1].startswith(KINDS)]


def run(words: list[str], folder: Path) -> str | None:
    """The command in this process, in `folder`; its complaint, or None where it is content."""
    from deepcohort.cli import app
    from deepcohort.core.errors import DeepcohortError

    with contextlib.chdir(folder), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(words, standalone_mode=False)
        except DeepcohortError as error:
            return str(error)
    return None


def contents(folder: Path, inputs: set[str]) -> dict[str, str]:
    """Digest of each file that a command wrote; VCFs by their lines."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name in inputs or name.endswith((".tbi", ".csi", "summary.json", ".html")):
            continue
        data = path.read_bytes()
        if name.endswith(".vcf.gz"):
            data = b"\n".join(x for x in gzip.decompress(data).split(b"\n") if not x.startswith(b"##"))
        found[name] = hashlib.sha256(data.replace(str(folder).encode(), b"")).hexdigest()
    return found


def prepare(place: Path, names: list[str], source: Path | None) -> None:
    """The files of a case in `place`: those of `source`, or the intact ones of the same names."""
    place.mkdir(parents=True)
    (place.parent.parent / "inputs").unlink(missing_ok=True)
    (place.parent.parent / "inputs").symlink_to(MALFORMED / "inputs")
    for name in names:
        intact = next((p for k in INPUTS if (p := MALFORMED / "inputs" / k / name).exists()), None)
        origin = source / name if source is not None else intact
        if origin is not None and origin.is_file():
            shutil.copy2(origin, place / name)


@lru_cache(maxsize=200)
def intact_contents(command: str, names: tuple[str, ...], root: Path) -> tuple[tuple[str, str], ...]:
    place = root / "fuzz" / f"intact{abs(hash((command, names)))}"
    prepare(place, list(names), None)
    assert run(words_of(command), place) is None
    return tuple(contents(place, set(names)).items())


def words_of(command: str) -> list[str]:
    return command.split("deepcohort ", 1)[1].split()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cases")


def assert_one_line(complaint: str, folder: Path, inputs: set[str]) -> None:
    lines = complaint.splitlines()
    assert lines
    assert all(line.strip() and "Traceback" not in line for line in lines)
    assert contents(folder, inputs) == {}
    assert not list(folder.rglob(".tmp-*"))


@pytest.mark.parametrize("name", fuzz_cases())
def test_spoilt_files(name: str, root: Path) -> None:
    case = MALFORMED / "fuzz" / name
    command = (case / "CMD").read_text().strip()
    names = sorted(path.name for path in case.iterdir() if path.is_file() and path.name != "CMD")
    place = root / "fuzz" / name
    prepare(place, names, case)
    complaint = run(words_of(command), place)
    if complaint is not None:
        assert_one_line(complaint, place, set(names))
    elif name not in MEANINGLESS:
        assert contents(place, set(names)) == dict(intact_contents(command, tuple(names), root))
    shutil.rmtree(place)


def genotype(root: Path, name: str, gvcfs: list[Path], reference: Path) -> tuple[str | None, list[list[str]]]:
    """Complaint, and records of the cohort VCF."""
    place = root / "genotype" / name
    place.mkdir(parents=True)
    words = [word for path in gvcfs for word in ("--gvcf", str(path))]
    complaint = run(
        ["genotype", *words, "--reference", str(reference), "--output", "o.vcf.gz", "--quiet"], place
    )
    if complaint is not None:
        assert_one_line(complaint, place, set())
        return complaint, []
    text = gzip.decompress((place / "o.vcf.gz").read_bytes()).decode()
    return None, [line.split("\t") for line in text.splitlines() if not line.startswith("##")]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_sample_column", "columns"),
        ("cut_sample", "without the PL"),
        ("pl_short", "number of values|not of the Type"),
        ("pl_nan", "not of the Type"),
        ("record_twice", "second record"),
        ("end_overflow", "END|does not belong"),
        ("gt_index", "no genotype"),
        ("record_lost", "no record of"),
        ("ref_x", "REF"),
        ("ref_wrong", "has REF"),
    ],
)
def test_one_fault_each(name: str, words: str, root: Path) -> None:
    inputs = MALFORMED / "inputs"
    malformed = MALFORMED / "min" / f"{name}.g.vcf.gz"
    complaint, _ = genotype(root, name, [malformed, inputs / "mother.g.vcf.gz"], inputs / "ref.fa")
    assert complaint is not None
    assert malformed.name in complaint
    assert re.search(words, complaint), complaint


def test_the_intact_ones_are_taken(root: Path) -> None:
    inputs = MALFORMED / "inputs"
    for name in ("intact",):
        complaint, rows = genotype(root, f"sound_{name}", [MALFORMED / "min" / f"{name}.g.vcf.gz"], inputs / "ref.fa")  # fmt: skip
        assert complaint is None
        assert len(rows) > 1


@pytest.mark.parametrize("name", ["A", "B", "C", "D", "E"])
def test_what_is_not_there_is_told(name: str, root: Path) -> None:
    folder = MALFORMED / "stale_index" / name
    gvcfs = sorted(folder.glob("*.g.vcf.gz"))
    complaint, _ = genotype(root, f"stale_{name}", gvcfs, MALFORMED / "inputs" / "ref.fa")
    assert complaint is not None
    assert len(complaint.splitlines()) == 1


def test_stale_indexes(root: Path) -> None:
    stale, reference = MALFORMED / "stale_index", MALFORMED / "inputs" / "ref.fa"
    complaint, _ = genotype(root, "stale", [stale / "f.g.vcf.gz"], reference)
    assert complaint is not None
    assert "does not belong to" in complaint
    assert "tabix -f -p vcf" in complaint
    for bam in (stale / "father.bam", *sorted((stale / "F").glob("*.bam"))):
        place = root / "stale_bam" / bam.parent.name / bam.stem
        place.mkdir(parents=True)
        complaint = run(
            ["call", "--reads", str(bam), "--reference", str(reference), "--gvcf", "o.g.vcf.gz", "--quiet"], place
        )  # fmt: skip
        assert complaint is not None, bam
        assert "does not belong to" in complaint
        assert "samtools index" in complaint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ploidy4", "copies|number of values"),
        ("ploidy3_gt", "copies"),
        ("dup_records_differ", "second record"),
        ("pl_negative", "negative"),
        ("gt_allele_out_of_range", "no genotype"),
        ("end_before_pos", "END"),
        ("end_past_contig", "beyond the end"),
        ("ref_mismatch", "has REF"),
        ("plain_gzip", "not bgzip-compressed"),
    ],
)
def test_odd_gvcfs_are_refused(name: str, words: str, root: Path) -> None:
    odd = GVCF / f"{name}.g.vcf.gz"
    complaint, _ = genotype(root, f"odd_{name}", [GVCF / "B.g.vcf.gz", odd], GVCF / "ref.fa")
    assert complaint is not None
    assert odd.name in complaint
    assert re.search(words, complaint), complaint


def test_haploid_genotypes_stay_haploid(root: Path) -> None:
    complaint, rows = genotype(root, "haploid", [GVCF / "B.g.vcf.gz", GVCF / "haploid.g.vcf.gz"], GVCF / "ref.fa")  # fmt: skip
    assert complaint is None
    genotypes = {row[10].split(":")[0] for row in rows[1:]}
    assert "1" in genotypes
    for row in rows[1:]:
        info = dict(part.split("=") for part in row[7].split(";"))
        copies = sum(len(re.split("[/|]", c.split(":")[0])) for c in row[9:] if "." not in c.split(":")[0])
        assert int(info["AN"]) == copies


def test_a_record_given_twice_is_one(root: Path) -> None:
    _, once = genotype(root, "dup0", [GVCF / "B.g.vcf.gz", GVCF / "alone.g.vcf.gz"], GVCF / "ref.fa")
    complaint, twice = genotype(root, "dup", [GVCF / "B.g.vcf.gz", GVCF / "dup_records.g.vcf.gz"], GVCF / "ref.fa")  # fmt: skip
    assert complaint is None
    assert len(once) > 1
    assert any("0/1" in cell for row in twice[1:] for cell in row[10:])
    assert all(int(row[10].split(":")[1]) > 20 for row in twice[1:] if row[10].startswith("0/1"))


def test_breakends_are_left_out(root: Path) -> None:
    complaint, rows = genotype(root, "bnd", [GVCF / "B.g.vcf.gz", GVCF / "breakend.g.vcf.gz"], GVCF / "ref.fa")  # fmt: skip
    assert complaint is None
    assert not any("[" in row[4] or "]" in row[4] for row in rows[1:])


@pytest.mark.parametrize("name", ["bpres", "phased", "bcftools_gvcf", "freebayes_gvcf"])
def test_dialects_are_read(name: str, root: Path) -> None:
    complaint, rows = genotype(root, f"dialect_{name}", [GVCF / "B.g.vcf.gz", GVCF / f"{name}.g.vcf.gz"], GVCF / "ref.fa")  # fmt: skip
    assert complaint is None
    assert len(rows) > 1
