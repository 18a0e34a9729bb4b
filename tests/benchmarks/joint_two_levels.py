"""What a second level of merging costs: gVCFs stored in batches, then genotyped from the stores, against all at once.

    python tests/benchmarks/joint_two_levels.py --samples 300 --batch 100 --mb 1 --work /tmp/joint_levels \
        --table tests/benchmarks/joint_two_levels.tsv

CPU is user + system of whole commands, start-up included. Both ways must give the same bytes.
"""

import argparse
import sys
from pathlib import Path

from joint_scale import make_cohort, measure


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--mb", type=float, default=1.0)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    work, n = arguments.work, arguments.samples
    length = int(arguments.mb * 1e6)
    reference, listed = make_cohort(work, n, length)
    gvcfs = listed.read_text().splitlines()
    shards = work / "shards.bed"
    with open(f"{reference}.fai") as file:
        contig = file.readline().split("\t")[0]
    shards.write_text(
        "".join(f"{contig}\t{i * length // 2}\t{(i + 1) * length // 2}\tshard_{i}\n" for i in range(2))
    )
    genotype = [str(Path(sys.executable).parent / "deepcohort"), "genotype", "--quiet"]
    genotype += ["--reference", str(reference)]
    one, two = work / "one_level.vcf.gz", work / "two_levels.vcf.gz"
    rows = []

    def note(name: str, cpu: float, peak: float) -> None:
        rows.append((name, cpu, cpu / n / arguments.mb, peak))
        print(*rows[-1], sep="\t", flush=True)

    cpu, peak, _ = measure([*genotype, "--gvcf-list", str(listed), "--output", str(one)])
    note(f"genotype {n} from gVCFs", cpu, peak)
    stores, total, largest = [], 0.0, 0.0
    for start in range(0, n, arguments.batch):
        batch = work / f"batch{start}.txt"
        batch.write_text("".join(f"{path}\n" for path in gvcfs[start : start + arguments.batch]))
        stores.append(work / f"batch{start}")
        cpu, peak, _ = measure(
            [*genotype, "--gvcf-list", str(batch), "--shards", str(shards), "--save-cohort", str(stores[-1])]
        )
        total, largest = total + cpu, max(largest, peak)
    note(f"store {len(stores)} batches of {arguments.batch}", total, largest)
    from_stores = [word for store in stores for word in ("--cohort", str(store))]
    cpu, peak, _ = measure([*genotype, *from_stores, "--output", str(two)])
    note(f"genotype {n} from the stores", cpu, peak)
    if one.read_bytes() != two.read_bytes():
        sys.exit("the two ways differ")
    saved = work / "all"
    cpu, peak, _ = measure(
        [*genotype, *from_stores, "--output", str(two), "--shards", str(shards), "--save-cohort", str(saved)]
    )
    note(f"genotype {n} from the stores, and store them", cpu, peak)
    text = "step\tcpu_s\tcpu_s_per_sample_Mb\tpeak_MiB\n"
    text += "".join(f"{name}\t{cpu:.2f}\t{each:.4f}\t{peak:.0f}\n" for name, cpu, each, peak in rows)
    sizes = [sum(path.stat().st_size for path in map(Path, gvcfs))]
    sizes += [sum(path.stat().st_size for s in stores for path in s.iterdir())]
    sizes += [sum(path.stat().st_size for path in saved.iterdir()), one.stat().st_size]
    names = ("gVCFs", "stores of the batches", "store of all", "cohort VCF")
    text += "".join(f"{k}, MiB\t{v / 2**20:.1f}\t\t\n" for k, v in zip(names, sizes, strict=True))
    print(text)
    if arguments.table:
        arguments.table.write_text(text)


if __name__ == "__main__":
    main()
