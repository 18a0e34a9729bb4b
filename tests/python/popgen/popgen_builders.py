"""Small tasks, models and VCFs for the tests of popgen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from deepcohort.popgen.config import train_defaults
from deepcohort.popgen.tasks import Group, Scenario, Task

CONSTANT = """
time_units: generations
demes:
  - {name: A, epochs: [{start_size: 1000}]}
"""


def small_task(folder: Path, **changes: object) -> Task:
    """Neutral or strong overdominance in a constant population of 1,000, 12 haplotypes of 20 kb."""
    history = folder / "constant.yaml"
    history.write_text(CONSTANT)
    task = Task(
        "small",
        "selection",
        (
            Scenario("neutral", onset_years=(100, 100)),
            Scenario("overdominance", "overdominance", s=(0.02,), dominance=20.0, onset_years=(100, 100)),
        ),
        (Group("present", 12),),
        history=str(history),
        focal="A",
        locus_bp=20_000,
        mutation_rate=(2.5e-7, 2.5e-7),
        recombination=(2e-7, 2e-7),
        generation_years=1.0,
        centre_jitter_bp=1_000,
    )
    return replace(task, **changes)


QUICK = replace(
    train_defaults(False), read_channels=(8, 8), site_channels=(16, 16), feature_units=16, head_units=16,
    epochs=8, patience=0, batch_size=16, dropout=0.0, warmup_steps=0, ema=0.0,
)  # fmt: skip


def vcf_text(contigs: dict[str, tuple[int, list[tuple[int, list[str]]]]], n: int, extra: str = "") -> str:
    """VCF of contigs (length, [(POS, genotypes)]) with n samples."""
    lines = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    lines += [f"##contig=<ID={name},length={length}>" for name, (length, _) in contigs.items()]
    lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">', extra] if extra else [
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    ]  # fmt: skip
    lines.append(
        "\t".join(
            [
                "#CHROM",
                "POS",
                "ID",
                "REF",
                "ALT",
                "QUAL",
                "FILTER",
                "INFO",
                "FORMAT",
                *(f"S{i}" for i in range(n)),
            ]
        )
    )
    for name, (_, records) in contigs.items():
        for pos, genotypes in records:
            lines.append("\t".join([name, str(pos), ".", "A", "C", "30", "PASS", ".", "GT", *genotypes]))
    return "\n".join(lines) + "\n"


def records_of(
    alleles: np.ndarray, positions: np.ndarray, sign: str, start: int = 0
) -> list[tuple[int, list[str]]]:
    """Records of haplotypes (S, 2n), one base apart at least."""
    out, last = [], 0
    for row, at in zip(alleles, positions, strict=True):
        pos = max(int(at) + 1 + start, last + 1)
        last = pos
        out.append((pos, [f"{a}{sign}{b}" for a, b in row.reshape(-1, 2)]))
    return out
