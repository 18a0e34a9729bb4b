#!/usr/bin/env python3
"""How fast a machine with many cores calls, with and without its GPU, and what limits it.

    gpu_call.py --reads X.bam --reference ref.fa --region chr20:6000001-8000000 --copies 96 --work DIR

A stretch of reads is copied until there is enough for every core: each copy is a contig of its own, so
nothing is called twice from one cache. Every line of the table is a set of processes that share the
contigs; `--device cuda` shares one GPU among them. Stages are CPU seconds of all processes; "Mb/s" is what
all cores together would do if they did nothing else. `--network` measures the network alone, by precision.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from copies import head_of, put_int32, slice_of
from deepcohort.formats.bgzf import BgzfWriter


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    processes: int
    threads: int
    device: str
    cascade: bool

    @property
    def name(self) -> str:
        """For people."""
        cascade = "" if self.cascade else ", --no-cascade"
        return f"{self.processes} x {self.threads} threads, {self.device}{cascade}"


def write_part(source: Path, contigs: range, out: Path) -> int:
    """Deflate the records of some copies; returns bytes written."""
    with np.load(source) as file:
        data, offsets = file["data"].copy(), file["offsets"]
    with BgzfWriter(out, level=1) as writer:
        for contig in contigs:
            put_int32(data, offsets + 4, np.int32(contig))
            put_int32(data, offsets + 24, np.int32(contig))
            writer.write(memoryview(data))
    return out.stat().st_size


def make_genome(options: argparse.Namespace, cores: int) -> tuple[Path, Path, list[str], int]:
    """BAM and reference of `copies` contigs, their names, and the length of one in bp."""
    work: Path = options.work
    region = options.region.replace(",", "")
    first, last = (int(x) for x in region.rpartition(":")[2].split("-"))
    length = last - first + 1
    names = [f"copy{i}" for i in range(options.copies)]
    reference, bam = work / "genome.fa", work / "genome.bam"
    if bam.with_suffix(".bam.bai").exists():
        return bam, reference, names, length
    bases, data, new = slice_of(options.reads, options.reference, region, work)
    with open(reference, "w") as out, open(f"{reference}.fai", "w") as fai:
        for name in names:
            out.write(f">{name}\n")
            fai.write(f"{name}\t{length}\t{out.tell()}\t{length}\t{length + 1}\n")
            out.write(bases + "\n")
    np.savez(work / "slice.npz", data=data, offsets=new)
    with BgzfWriter(work / "head", level=1) as out:
        out.write(head_of(dict.fromkeys(names, length), ["@RG\tID:a\tSM:S"]))
    n_parts = min(4 * cores, len(names))
    bounds = [len(names) * i // n_parts for i in range(n_parts + 1)]
    parts = [work / f"part{i}" for i in range(n_parts)]
    with ProcessPoolExecutor(min(cores, 16)) as pool:
        jobs = [
            pool.submit(write_part, work / "slice.npz", range(a, b), part)
            for a, b, part in zip(bounds, bounds[1:], parts, strict=False)
        ]
        for job in jobs:
            job.result()
    with open(bam, "wb") as out:
        for part in [work / "head", *parts]:
            with open(part, "rb") as piece:
                shutil.copyfileobj(piece, out, 1 << 24)
            part.unlink()
    pysam.index("-@", str(cores), str(bam))
    return bam, reference, names, length


class GpuWatch:
    """Samples the GPU's use while it is open."""

    def __enter__(self) -> "GpuWatch":
        self.use: list[int] = []
        self.memory_mib: list[int] = []
        self._process = None
        if shutil.which("nvidia-smi"):
            command = [
                "nvidia-smi",
                "--query-gpu=utilization.gpu,memory.used",
                "--format=csv,noheader,nounits",
                "-lms",
                "250",
            ]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()
        return self

    def _read(self) -> None:
        for line in self._process.stdout:
            use, memory = line.split(",")
            self.use.append(int(use))
            self.memory_mib.append(int(memory))

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def __str__(self) -> str:
        if not self.use:
            return "none"
        return f"{statistics.mean(self.use):.0f} %, {max(self.memory_mib)} MiB"


def call(
    setting: Setting, bam: Path, reference: Path, names: list[str], work: Path
) -> tuple[float, list[dict], GpuWatch]:
    """Wall seconds, profiles of all processes, the GPU's use."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder = work / re.sub(r"[^a-z0-9]+", "_", setting.name)
    folder.mkdir(exist_ok=True)
    running = []
    with GpuWatch() as gpu:
        start = time.perf_counter()
        for i in range(setting.processes):
            own = names[len(names) * i // setting.processes : len(names) * (i + 1) // setting.processes]
            command = [
                sys.executable, "-m", "deepcohort.cli", "call", "--reads", str(bam), "--reference", str(reference),
                "--gvcf", str(folder / f"{i}.g.vcf.gz"), "--device", setting.device, "--threads", str(setting.threads),
                "--profile-json", str(folder / f"{i}.json"), "--quiet",
                "--cascade" if setting.cascade else "--no-cascade",
            ]  # fmt: skip
            for name in own:
                command += ["--region", name]
            running.append(subprocess.Popen(command, env=environment))
        if any(process.wait() for process in running):
            sys.exit(f"failed: {setting.name}")
        wall_s = time.perf_counter() - start
    profiles = [json.loads((folder / f"{i}.json").read_text()) for i in range(setting.processes)]
    return wall_s, profiles, gpu


def report(
    setting: Setting, wall_s: float, profiles: list[dict], gpu: GpuWatch, megabases: float, cores: int
) -> str:
    """A line of the table, and the stages below it."""
    cpu_s = sum(p["cpu_s"] + p["start_up_cpu_s"] for p in profiles)
    opened = max(p["stages"]["open"]["wall_s"] for p in profiles)
    work_s = max(p["wall_s"] for p in profiles) - opened
    painted = sum(p["counts"].get("painted", 0) for p in profiles)
    candidates = sum(p["counts"].get("candidates", 0) for p in profiles)
    rate = megabases / work_s
    peak = max(p["peak_memory_mib"] for p in profiles)
    line = (
        f"| {setting.name} | {wall_s:.1f} | {work_s:.1f} | {rate:.1f} | {3_100 / rate:.0f} | {cpu_s / megabases:.2f} | "
        f"{painted:,} of {candidates:,} | {peak:.0f} | {gpu} |"
    )
    stages: dict[str, float] = {}
    for profile in profiles:
        for name, spent in profile["stages"].items():
            stages[name] = stages.get(name, 0.0) + spent["cpu_s"]
    told = ", ".join(
        f"{name} {s / megabases:.3f} ({megabases * cores / s:,.0f} Mb/s)"
        for name, s in stages.items()
        if s > 0.01
    )
    return f"{line}\n  stages, CPU s/Mb (Mb/s of {cores} cores): {told}"


def network(examples: Path | None, platform: str) -> None:
    """Examples per second of the network alone, and how far its probabilities are from the CPU's."""
    import torch
    from deepcohort.model.archive import find_model, read_model
    from deepcohort.model.load import CascadePredictor, OnnxRuntime
    from deepcohort.model.torch_runtime import PRECISIONS, CudaRuntime
    from deepcohort.pileup.features import N_FEATURES

    file = read_model(find_model("auto", platform))
    if examples is None:
        rng = np.random.default_rng(1)
        pixels = rng.integers(0, 256, (4_096, *file.pileup.shape), dtype=np.uint8)
        features = rng.normal(size=(4_096, N_FEATURES)).astype(np.float32)
    else:
        from deepcohort.pileup.shards import open_examples

        pixels, features = first_examples(open_examples([examples]), 4_096)
    n = len(pixels)
    on_cpu = OnnxRuntime(file, 1)
    start = time.perf_counter()
    wanted = np.concatenate(
        [on_cpu.start(pixels[i : i + 64], features[i : i + 64])() for i in range(0, n, 64)]
    )
    print(f"| ONNX Runtime, one thread | {n / (time.perf_counter() - start):,.0f} | 0 | 0 |")
    predictor = CascadePredictor(file, on_cpu, cascade=False)
    wanted_p = predictor.predict_lazily(features, lambda rows: pixels[rows])
    for precision in PRECISIONS:
        runtime = CudaRuntime(file, precision)
        size = runtime.batch
        got = np.concatenate(
            [runtime.start(pixels[i : i + size], features[i : i + size])() for i in range(0, n, size)]
        )
        times = []
        for _ in range(5):
            start = time.perf_counter()
            begun = [
                runtime.start(pixels[i : i + size], features[i : i + size])
                for i in range(0, n, size)
                for _ in range(4)
            ]
            for logits in begun:
                logits()
            times.append(4 * n / (time.perf_counter() - start))
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(20):
            runtime._forward()
        torch.cuda.synchronize()
        alone = 20 * size / (time.perf_counter() - start)
        p = CascadePredictor(file, runtime, cascade=False).predict_lazily(features, lambda rows: pixels[rows])
        print(
            f"| CUDA {precision}, batches of {size} | {statistics.median(times):,.0f} (network alone {alone:,.0f}) | "
            f"{np.abs(got - wanted).max():.2g} | {np.abs(p - wanted_p).max():.2g}, "
            f"{(p.argmax(1) != wanted_p.argmax(1)).sum()} genotypes differ |"
        )


def first_examples(found: object, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and features of the first `n` examples of a set."""
    from deepcohort.pileup.shards import read_examples

    pixels, features = [], []
    for path in (path for bucket in found.buckets for path in bucket):
        x = read_examples(path)
        pixels.append(x.pixels)
        features.append(x.features)
        if sum(map(len, pixels)) >= n:
            break
    return np.concatenate(pixels)[:n], np.concatenate(features)[:n]


def main() -> None:
    """Make the data, run every setting, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--region", help="CONTIG:START-END")
    parser.add_argument("--copies", type=int, default=96)
    parser.add_argument("--work", type=Path, default=Path("gpu_call_work"))
    parser.add_argument("--settings", nargs="*", default=[], help="PROCESSES,THREADS,DEVICE[,no-cascade]")
    parser.add_argument("--network", action="store_true", help="measure the network alone")
    parser.add_argument("--examples", type=Path, help="for --network: real pictures instead of noise")
    parser.add_argument("--platform", default="illumina")
    options = parser.parse_args()
    if options.network:
        print(
            "| network | examples/s, pinned copies included | logits off by | probabilities off by |\n|---|---|---|---|"
        )
        network(options.examples, options.platform)
    if not options.settings:
        return
    options.work.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0))
    start = time.perf_counter()
    bam, reference, names, length = make_genome(options, cores)
    megabases = length * len(names) / 1e6
    print(
        f"{megabases:g} Mb, BAM of {bam.stat().st_size / 1e9:.1f} GB made in {time.perf_counter() - start:.0f} s, {cores} cores"
    )
    print(
        "| processes | wall s | of which calling | Mb/s | s for 3,100 Mb | CPU s/Mb with start-up | to the CNN | "
        "peak MiB of one | GPU use |\n|---|---|---|---|---|---|---|---|---|"
    )
    for text in options.settings:
        processes, threads, device, *rest = text.split(",")
        setting = Setting(int(processes), int(threads), device, "no-cascade" not in rest)
        print(
            report(setting, *call(setting, bam, reference, names, options.work), megabases, cores), flush=True
        )


if __name__ == "__main__":
    main()
