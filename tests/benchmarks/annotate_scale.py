"""Annotation at AlphaMissense's size: a made-up table of 71 million rows, packing, look-ups, whole runs.

The table is made up (random genome, random scores), of the published file's form: three rows per coding base and more
where transcripts overlap. Written as one gzip file that takes about 0.6 GB; everything is removed at the end.

    .venv/bin/python tests/benchmarks/annotate_scale.py --work /tmp/annotate-scale --rows 71000000
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from deepcohort.annotate.allele_kernels import SNV
from deepcohort.annotate.packed import PackedTable
from deepcohort.core.io import ReferenceFasta
from deepcohort.formats.bgzf import BgzfWriter
from isal import igzip

CONTIGS = [
    f"chr{i}"
    for i in (1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2, 20, 21, 22, 3, 4, 5, 6, 7, 8, 9, "X", "Y")
]
SPACING = 12  # a coding base in twelve: denser than nature's one in eighty, so that the genome is small
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
AMINO = b"ACDEFGHIKLMNPQRSTVWY"


def cost() -> tuple[float, float]:
    """CPU seconds of this process and its children, and the largest memory of children in GiB."""
    own, kids = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + kids.ru_utime + kids.ru_stime, kids.ru_maxrss / 2**20


def make_reference(path: Path, length: int, seed: int) -> None:
    """All contigs have one sequence: only their names differ."""
    text = BASES[np.random.default_rng(seed).integers(0, 4, length // 100 * 100)]
    lines = np.full((length // 100, 101), 10, dtype=np.uint8)
    lines[:, :100] = text.reshape(-1, 100)
    with open(path, "wb") as out:
        for name in CONTIGS:
            out.write(f">{name}\n".encode() + lines.tobytes())
    subprocess.run(["samtools", "faidx", path], check=True)


def exons(length: int) -> np.ndarray:
    """Coding positions of a contig: 150 bases in 1,800."""
    starts = np.arange(1000, length - 1000, 150 * SPACING)
    return (starts[:, None] + np.arange(150)[None, :]).ravel()


def contig_rows(text: str, length: int, seed: int) -> tuple[bytes, int]:
    """Rows of the contig @; ids of its genes hold @ too. Every 150th position has a second transcript."""
    rng = np.random.default_rng(seed)
    where = exons(length)
    scores = rng.integers(0, 10_001, (len(where), 3))
    rows = []
    for i, p in enumerate(where.tolist()):
        ref = text[p]
        gene, residue = i // 1200, i % 1200 // 3 + 1
        a = chr(AMINO[i % 20])
        for k, alt in enumerate(b for b in "ACGT" if b != ref):
            s = int(scores[i, k])
            group = "likely_benign" if s < 3400 else "ambiguous" if s <= 5640 else "likely_pathogenic"
            change = f"{a}{residue}{chr(AMINO[(i + k + 1) % 20])}"
            head = f"@\t{p + 1}\t{ref}\t{alt}\thg38\tQ@{gene:05d}\tENST@{gene:08d}"
            rows.append(f"{head}.1\t{change}\t{s / 10000!r}\t{group}\n")
        if i % 150 == 0:
            rows.append(f"{head}.2\t{change}\t{s / 10000!r}\t{group}\n")
    return "".join(rows).encode(), len(rows)


def write_table(path: Path, reference: Path, length: int, seed: int) -> int:
    """The table as it is published, one gzip stream of level 1."""
    with ReferenceFasta(reference) as fasta:
        text = fasta._fasta.fetch(CONTIGS[0])
    rows, n = contig_rows(text, length, seed)
    with igzip.open(path, "wb", compresslevel=1) as out:
        out.write(b"# Made up for a benchmark\n#\n# Licensed under no terms: these numbers mean nothing\n")
        out.write(
            b"#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class\n"
        )
        for name in CONTIGS:
            out.write(rows.replace(b"@", name.encode()))
    return n * len(CONTIGS)


def write_vcf(path: Path, reference: Path, length: int, n: int, coding: float, seed: int) -> None:
    """Records of one sample, the same on all contigs; a share of them at coding positions."""
    rng = np.random.default_rng(seed)
    per_contig = n // len(CONTIGS)
    with ReferenceFasta(reference) as fasta:
        text = fasta._fasta.fetch(CONTIGS[0])
    inside = rng.choice(exons(length), int(per_contig * coding), replace=False)
    pos = np.unique(np.concatenate([inside, rng.integers(100, length - 100, per_contig - len(inside))]))
    rows = []
    for p, k in zip(pos.tolist(), rng.integers(1, 4, len(pos)).tolist(), strict=True):
        ref = text[p]
        alt = "ACGT"[("ACGT".index(ref) + k) % 4]
        rows.append(f"@\t{p + 1}\t.\t{ref}\t{alt}\t50\tPASS\tDP=30\tGT:GQ:DP\t0/1:50:30\n")
    data = "".join(rows).encode()
    head = "##fileformat=VCFv4.3\n" + "".join(f"##contig=<ID={c},length={length}>\n" for c in sorted(CONTIGS))
    with BgzfWriter(path) as out:
        out.write((head + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n").encode())
        for name in sorted(CONTIGS):
            out.write(data.replace(b"@", name.encode()))


def timed(label: str, results: dict, command: list[str]) -> float:
    """Run a command in a process of its own; CPU seconds, memory."""
    before = cost()[0]
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, command)], check=True, capture_output=True, text=True
    )
    peak = json.loads(done.stdout.splitlines()[-1])
    results[label] = {
        "wall_s": round(time.time() - start, 1),
        "cpu_s": round(cost()[0] - before, 1),
        "gib": peak,
    }
    print(label, results[label], flush=True)
    return results[label]["cpu_s"]


_MEASURED = """
import sys
sys.argv = ["deepcohort", *sys.argv[1:]]
from deepcohort.cli import app
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
# the largest since this program began; getrusage counts what the process was before, too
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(round(int(peak.split()[1]) / 2**20, 3))
"""


def look_up(packed: Path, reference: Path, length: int, results: dict, seed: int) -> None:
    """Alleles by the million against the packed form, as segments of a VCF come: sorted, in batches."""
    rng = np.random.default_rng(seed)
    with ReferenceFasta(reference) as fasta:
        table = PackedTable(packed, fasta)
        warm = np.full(4, exons(length)[0], dtype=np.int64)  # loads the kernels
        table.hits("chr1", warm, np.arange(4, dtype=np.int64))
        for label, share in (("all coding", 1.0), ("anywhere in the genome", 0.0)):
            n = found = 0
            batches = []
            for name in CONTIGS:
                where = exons(length)
                take = rng.choice(where, min(len(where), 200_000), replace=False)
                pos = np.sort(
                    take
                    if share == 1.0
                    else np.where(
                        rng.random(len(take)) < share, take, rng.integers(0, length - 200, len(take))
                    )
                )
                text = np.frombuffer(fasta._fasta.fetch(name).encode(), dtype=np.uint8)
                ref = np.searchsorted(BASES, text[pos])
                code = (ref << 2 | (ref + rng.integers(1, 4, len(pos))) % 4).astype(np.int64)
                batches += [
                    (name, pos[i : i + 20_000].astype(np.int64), code[i : i + 20_000])
                    for i in range(0, len(pos), 20_000)
                ]
            start = time.process_time()
            for name, pos, code in batches:
                offsets, _rows = table.hits(name, pos, code)
                found += int((np.diff(offsets) > 0).sum())
                n += len(pos)
            seconds = time.process_time() - start
            results[f"look-ups, {label}"] = {
                "n": n,
                "found": found,
                "cpu_s": round(seconds, 2),
                "per_s": round(n / seconds),
            }
            print(label, results[f"look-ups, {label}"], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=71_000_000)
    parser.add_argument("--records", type=int, default=4_800_000)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    assert SNV == 0
    args.work.mkdir(parents=True, exist_ok=True)
    length = int(args.rows / 3.0067 / len(CONTIGS)) * SPACING + 3_700
    reference, table, packed = args.work / "ref.fa", args.work / "table.tsv.gz", args.work / "table.dcam"
    results: dict = {}
    if not table.exists():
        make_reference(reference, length, 1)
        results["rows"] = write_table(table, reference, length, 2)
    print("table", table.stat().st_size / 1e6, "MB", results.get("rows"), flush=True)
    results["table_mb"] = round(table.stat().st_size / 1e6)
    if not packed.exists():
        timed(
            "pack",
            results,
            ["annotate", "--alphamissense", table, "--reference", reference, "--pack", packed],
        )
    results["packed_mb"] = round(packed.stat().st_size / 1e6)
    look_up(packed, reference, length, results, 3)
    for label, coding in (("genome", 0.02), ("exome", 1.0)):
        vcf = args.work / f"{label}.vcf.gz"
        n = args.records if label == "genome" else args.records // 4
        write_vcf(vcf, reference, length, n, coding, 4)
        for form, path in (("packed", packed), ("published", table)):
            out = args.work / f"{label}.{form}.vcf.gz"
            command = [
                "annotate",
                "--vcf",
                vcf,
                "--reference",
                reference,
                "--alphamissense",
                path,
                "--output",
                out,
            ]
            seconds = timed(f"{label}, {form}", results, command)
            results[f"{label}, {form}"]["records_per_cpu_s"] = round(n / seconds)
        texts = [
            gzip.decompress((args.work / f"{label}.{form}.vcf.gz").read_bytes())
            for form in ("packed", "published")
        ]
        results[f"{label}: same records"] = len({text[text.index(b"\n#CHROM") :] for text in texts}) == 1
        del texts
    print(json.dumps(results, indent=1))
    if not args.keep:
        for path in args.work.iterdir():
            path.unlink()


if __name__ == "__main__":
    main()
