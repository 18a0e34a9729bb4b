"""`call --threads`: several processes give what one gives, or nothing."""

import gzip
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pysam
import pytest
from deepcohort.compose import call_chunks
from deepcohort.compose.call_chunks import chunks_for
from deepcohort.compose.call_run import run_call
from deepcohort.compose.call_setup import CallRequest
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.region import Region, merge_regions
from test_call_shard import shipped_model

COPIES, LENGTH_BP = 3, 10_000


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """(reference, BAM) of a genome of several contigs."""
    from deepcohort.compose.io_warm import write_warm_inputs

    folder = tmp_path_factory.mktemp("chunks")
    one, bams, _ = write_warm_inputs(folder)
    bases = pysam.FastaFile(str(one)).fetch(pysam.FastaFile(str(one)).references[0])
    reference, bam = folder / "copies.fa", folder / "copies.bam"
    reference.write_text("".join(f">c{i}\n{bases}\n" for i in range(COPIES)))
    pysam.faidx(str(reference))
    sam = folder / "copies.sam"
    with pysam.AlignmentFile(str(bams[0])) as source:
        lines = [read.to_string().split("\t") for read in source if not read.is_unmapped]
    with open(sam, "w") as out:
        out.write("@HD\tVN:1.6\tSO:coordinate\n")
        out.writelines(f"@SQ\tSN:c{i}\tLN:{len(bases)}\n" for i in range(COPIES))
        out.write("@RG\tID:1\tSM:S\n")
        for i in range(COPIES):
            out.writelines("\t".join([*x[:2], f"c{i}", *x[3:11], "RG:Z:1"]) + "\n" for x in lines)
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    return reference, bam


def request_of(inputs, folder, name, **options):
    shipped_model()
    reference, bam = inputs
    return CallRequest(
        (bam,), reference, gvcf=folder / f"{name}.vcf.gz", vcf=folder / f"{name}.calls.vcf.gz", device="cpu",
        quiet=True, **options,
    )  # fmt: skip


@pytest.fixture
def short_pieces(monkeypatch):
    monkeypatch.setattr(call_chunks, "MIN_PIECE_BP", LENGTH_BP // 2 - 7)
    monkeypatch.setattr(call_chunks, "MAX_PIECE_BP", LENGTH_BP // 2 - 7)


@pytest.mark.parametrize("processes", [2, 16])
def test_pieces_cover_the_regions(processes):
    regions = [Region("a", 5, 9_000_000), Region("a", 9_500_000, 9_500_001), Region("b", 0, 70_000_000)]
    chunks = chunks_for(regions, processes)
    assert merge_regions(r for chunk in chunks for r in chunk) == regions
    lengths = [sum(map(len, chunk)) for chunk in chunks]
    assert max(lengths) <= call_chunks.MAX_PIECE_BP
    assert len(set(lengths[:-1])) == 1
    assert len(chunks) >= processes


def test_processes_do_not_show(inputs, tmp_path, short_pieces):
    alone = request_of(inputs, tmp_path, "alone")
    shared = request_of(inputs, tmp_path, "shared", threads=3, profile_json=tmp_path / "p.json")
    run_call(alone)
    run_call(shared)
    for a, b in ((alone.gvcf, shared.gvcf), (alone.vcf, shared.vcf)):
        assert a.read_bytes() == b.read_bytes()
        assert (tmp_path / f"{a.name}.tbi").read_bytes() == (tmp_path / f"{b.name}.tbi").read_bytes()
    with gzip.open(shared.vcf, "rt") as file:
        assert {line.split("\t")[0] for line in file if line[0] != "#"} == {f"c{i}" for i in range(COPIES)}
    profile = json.loads((tmp_path / "p.json").read_text())
    assert profile["counts"]["reads"] > 0
    assert profile["stages"]["candidates"]["cpu_s"] > 0
    assert not list(tmp_path.glob(".tmp-*"))


def test_errors_of_processes_are_told(inputs, tmp_path, short_pieces):
    """A BAM that ends in mid-block: the same words as from one process, and no output."""
    _, bam = inputs
    cut = tmp_path / "cut.bam"
    cut.write_bytes(bam.read_bytes()[: bam.stat().st_size // 2])
    (tmp_path / "cut.bam.bai").write_bytes((bam.parent / f"{bam.name}.bai").read_bytes())
    request = replace(request_of(inputs, tmp_path, "x", threads=2), reads=(cut,))
    before = set(tmp_path.iterdir())
    with pytest.raises(Exception, match=r"cut\.bam") as shared:
        run_call(request)
    with pytest.raises(type(shared.value), match=r"cut\.bam"):
        run_call(replace(request, threads=1))
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("region", ["c0:1-400", "c0"])
def test_a_device_that_is_not_here_is_told(inputs, tmp_path, short_pieces, region):
    """By a process of its own or, for one chunk, by this one."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    request = replace(request_of(inputs, tmp_path, "x", threads=2), device="cuda", region=(region,))
    with pytest.raises(DeepcohortError, match="no CUDA device"):
        run_call(request)
    assert not list(tmp_path.iterdir())


def test_problems_survive_pickling():
    problems = InputProblems(["a is wrong", "b too"])
    again = pickle.loads(pickle.dumps(problems))
    assert again.problems == problems.problems
    assert str(again) == str(problems)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("struck", ["worker", "parent"])
def test_killed(inputs, tmp_path, struck):
    """A worker killed: 137 and nothing left. The parent killed: its workers go too."""
    shipped_model()
    reference, bam = inputs
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time\n"
        "import deepcohort.compose.call_chunks as chunks\n"
        "from deepcohort.cli import main\n"
        f"chunks.MIN_PIECE_BP = chunks.MAX_PIECE_BP = {LENGTH_BP // 2}\n"
        "call_shard = chunks.call_shard\n"
        "chunks.call_shard = lambda *a, **k: (call_shard(*a, **k), time.sleep(120))\n"
        "if __name__ == '__main__':\n"
        f"    sys.argv = ['deepcohort', 'call', '--reads', {str(bam)!r}, '--reference', {str(reference)!r},\n"
        f"        '--gvcf', {str(tmp_path / 'x.g.vcf.gz')!r}, '--device', 'cpu', '--quiet', '--threads', '2']\n"
        "    main()\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    while len(list(tmp_path.glob(".tmp-*/*.g.vcf.gz"))) < 2:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = workers_of(process.pid)
    assert len(workers) == 2
    if struck == "worker":
        os.kill(workers[0], signal.SIGKILL)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 137
        assert "fewer --threads" in told
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run.py"]
    else:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not (tmp_path / "x.g.vcf.gz").exists()


def workers_of(parent):
    """PIDs of the pool's processes (its resource tracker is no worker)."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_chunks_of_a_contig_are_not_looked_for_among_all(tmp_path):
    """Of 90,000 contigs each look took 5 ms."""
    looked = []

    class Looked(list):
        def __iter__(self):
            looked.append(1)
            return super().__iter__()

    chunks = Looked((Region(f"c{i}", 0, 9), Region(f"c{i + 1}", 0, 9)) for i in range(0, 10, 2))
    found = call_chunks._ChunkEvidence(chunks, tmp_path)
    before = len(looked)
    for _ in range(50):
        assert found.evidence("another") is None
    assert len(looked) == before
    with pytest.raises(DeepcohortError, match=r"4\.phase\.npz does not exist"):
        found.evidence("c8")


def test_a_sample_name_that_is_no_text(inputs, tmp_path):
    """Latin-1 in SM: a name of other letters would stand in the results."""
    sam, bam = tmp_path / "x.sam", tmp_path / "x.bam"
    header = pysam.view("-H", str(inputs[1])).encode()
    sam.write_bytes(header.replace(b"SM:S", b"SM:Zo\xe9"))
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    request = replace(request_of(inputs, tmp_path, "x"), reads=(bam,))
    with pytest.raises(DeepcohortError, match=r"that holds bytes that are no UTF-8; give --sample"):
        run_call(request)
    run_call(replace(request, sample="Zoe"))
