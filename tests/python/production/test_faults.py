"""What breaks while a command runs: a clear line, no partial file taken for a whole one."""

import gzip
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deepcohort.core.errors import DeepcohortError
from fuzz_base import make_base, run_here

DEEPCOHORT = [sys.executable, "-m", "deepcohort.cli"]


pytestmark = pytest.mark.xdist_group("spoilt_files")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "sound"  # shared by the modules of this group
    make_base(folder)
    return folder


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEEPCOHORT, *map(str, words)], capture_output=True, text=True, timeout=300)


def call(base: Path, out: Path, reads: Path | None = None) -> list[object]:
    reads = reads or base / "sim" / "sample1.bam"
    return ["call", "--reads", reads, "--reference", base / "sim" / "reference.fa", "--quiet", "--gvcf", out]


def genotype(base: Path, out: Path, gvcf: Path | None = None) -> list[object]:
    return [
        "genotype", "--gvcf", gvcf or base / "1.g.vcf.gz", "--gvcf", base / "2.g.vcf.gz",
        "--reference", base / "sim" / "reference.fa", "--output", out,
    ]  # fmt: skip


def refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line that names the parts; exit 2, which Nextflow does not retry."""
    # htslib may add its own word
    lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("[E::")]
    assert result.returncode == 2, result.stderr
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("deepcohort: error: ")
    for part in parts:
        assert part in lines[0]


def test_disk_full_leaves_nothing(base: Path, mounted: Callable[[str, str], Path]) -> None:
    small = mounted("small", "size=4k")
    refused(run(*call(base, small / "o.g.vcf.gz")), "disk full", "o.g.vcf.gz")
    assert not list(small.iterdir())
    refused(run(*genotype(base, small / "o.vcf.gz")), "disk full", "o.vcf.gz")
    assert not list(small.iterdir())


def test_read_only_folder(base: Path, mounted: Callable[[str, str], Path]) -> None:
    frozen = mounted("frozen", "size=1m")
    subprocess.run(["mount", "-o", "remount,ro", frozen], check=True)
    for command in (call(base, frozen / "o.g.vcf.gz"), genotype(base, frozen / "o.vcf.gz")):
        refused(run(*command), str(frozen), "not writable")


def test_missing_folder(base: Path, tmp_path: Path) -> None:
    refused(run(*call(base, tmp_path / "none" / "o.g.vcf.gz")), "none", "does not exist")


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_truncated_reads(base: Path, tmp_path: Path, keep: float) -> None:
    bam = tmp_path / "cut.bam"
    data = (base / "sim" / "sample1.bam").read_bytes()
    bam.write_bytes(data[: int(len(data) * keep)])
    (tmp_path / "cut.bam.bai").write_bytes((base / "sim" / "sample1.bam.bai").read_bytes())
    with pytest.raises(DeepcohortError, match=r"cut\.bam.*truncated"):
        run_here(*call(base, tmp_path / "o.g.vcf.gz", bam))
    assert not list(tmp_path.glob("*o.g.vcf.gz*"))


@pytest.mark.parametrize("how", ["cut", "flipped", "other"])
def test_corrupted_intermediate_gvcf(base: Path, tmp_path: Path, how: str) -> None:
    data = bytearray((base / "1.g.vcf.gz").read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    elif how == "flipped":
        data[len(data) // 2] ^= 0x10
    else:
        data = bytearray(gzip.compress(b"not a VCF\n"))
    bad = tmp_path / "bad.g.vcf.gz"
    bad.write_bytes(data)
    Path(f"{bad}.tbi").write_bytes((base / "1.g.vcf.gz.tbi").read_bytes())
    with pytest.raises(DeepcohortError, match=r"bad\.g\.vcf\.gz"):
        run_here(*genotype(base, tmp_path / "o.vcf.gz", bad))
    with pytest.raises(DeepcohortError, match=r"bad\.g\.vcf\.gz"):
        run_here("merge", "--input", bad, "--output", tmp_path / "m.g.vcf.gz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.g.vcf.gz", "bad.g.vcf.gz.tbi"]


def test_a_killed_call_leaves_no_file_that_looks_whole(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.g.vcf.gz"
    whole = gzip.decompress((base / "1.g.vcf.gz").read_bytes())
    for wait in (0.5, 1.5, 2.5):
        process = subprocess.Popen([*DEEPCOHORT, *map(str, call(base, out))], stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # the signal may also come between the last renaming and the end of the process: what bears the name is whole then
        if out.exists():
            assert gzip.decompress(out.read_bytes()) == whole
            out.unlink()
    assert run(*call(base, out)).returncode == 0
    assert gzip.decompress(out.read_bytes()) == whole


def test_names_cannot_inject(base: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    bam = base / "sim" / "sample1.bam"
    for name in ("a;id", "$(id)", "`id`", "a b", "../up", "-rf", "a\tb", "a'b", 'a""b', "*", ""):
        sheet.write_text(f'sample,reads\n"{name}",{bam}\n')
        with pytest.raises(DeepcohortError, match="row 2"):
            run_here("check", "--samplesheet", sheet, "--reference", base / "sim" / "reference.fa")
