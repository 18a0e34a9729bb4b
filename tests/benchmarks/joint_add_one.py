"""What one sample more costs: 100 samples are there, one is added, against doing all 101.

    python tests/benchmarks/joint_add_one.py --work /tmp/joint_add --bam one.bam --bam-reference ref.fa \
        --table tests/benchmarks/joint_add_one.tsv

CPU is user + system of whole commands, start-up included. The cohort's gVCFs are simulated (1 Mb at 30x);
`--bam` (30x, a contig or more of about 1 Mb in all) is called for real, once for a warm start and once timed.
The cohort VCF made from the store and one gVCF must have the bytes of that made from 101 gVCFs.
"""

import argparse
import sys
from pathlib import Path

import pysam
from joint_scale import make_cohort, measure


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--mb", type=float, default=1.0)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bam", type=Path, required=True)
    parser.add_argument("--bam-reference", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    work = arguments.work
    deepcohort = str(Path(sys.executable).parent / "deepcohort")
    reference, listed = make_cohort(work, arguments.samples + 1, int(arguments.mb * 1e6))
    paths = listed.read_text().splitlines()
    before = work / "before.txt"
    before.write_text("".join(f"{path}\n" for path in paths[:-1]))
    genotype = [deepcohort, "genotype", "--quiet", "--reference", str(reference)]
    call = [deepcohort, "call", "--quiet", "--reads", str(arguments.bam)]
    call += ["--reference", str(arguments.bam_reference), "--gvcf", str(work / "called.g.vcf.gz")]
    with pysam.FastaFile(str(arguments.bam_reference)) as fasta:
        called_mb = sum(fasta.lengths) / 1e6
    store, whole, added = work / "before.store", work / "whole.vcf.gz", work / "added.vcf.gz"
    steps = {
        "call one sample": call,
        "genotype all, from gVCFs": [*genotype, "--gvcf-list", str(listed), "--output", str(whole)],
        "store all but one": [*genotype, "--gvcf-list", str(before), "--save-cohort", str(store)],
        "genotype all, from the store and one gVCF": [
            *genotype, "--cohort", str(store), "--gvcf", paths[-1], "--output", str(added),
        ],
    }  # fmt: skip
    cpu = {}
    for name, command in steps.items():
        measure(command)
        cpu[name], peak, _ = measure(command)
        print(f"{name}\t{cpu[name]:.2f} CPU s\t{peak:.0f} MiB", flush=True)
    if whole.read_bytes() != added.read_bytes():
        sys.exit("the cohort VCF made from the store differs")
    n = arguments.samples + 1
    one_call, again, _, from_store = cpu.values()
    one_call *= arguments.mb / called_mb
    everything = n * one_call + again
    rows = [
        ("call one sample", one_call),
        (f"genotype {n} from gVCFs", again),
        (f"store {n - 1}", cpu["store all but one"]),
        (f"genotype {n} from the store and one gVCF", from_store),
        (f"doing {n}: calls and genotypes", everything),
        ("adding one: its call, genotypes from gVCFs", one_call + again),
        ("adding one: its call, genotypes from the store", one_call + from_store),
    ]
    text = "step\tcpu_s\tpercent_of_all\n"
    text += "".join(f"{name}\t{value:.2f}\t{100 * value / everything:.2f}\n" for name, value in rows)
    sizes = sum(Path(path).stat().st_size for path in paths[:-1]), store.stat().st_size
    print(f"{text}gVCFs {sizes[0] / 2**20:.1f} MiB, store {sizes[1] / 2**20:.1f} MiB")
    if arguments.table:
        arguments.table.write_text(text)


if __name__ == "__main__":
    main()
