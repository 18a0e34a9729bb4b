#!/usr/bin/env python3
"""GATK's VETS on GATK's own records beside QUAL and `deepcohort filter`: area under precision and recall, and recalls.

    GATK=gatk filter_vets.py --sets sets.tsv --work DIR [--python FOLDER]

Sets of caller GATK in `sets.tsv` (columns as for filter_networks.py). ExtractVariantAnnotations, TrainVariantAnnotationsModel
(isolation forest, GATK's settings) and ScoreVariantAnnotations run for SNPs and indels apart. Every second true variant is the
resource of known sites: far more than VETS has in real life. `--python`: bin folder of a Python with numpy (below 2.4),
h5py, dill and scikit-learn, which GATK starts. Sets of fewer than 100 records of a type are left out.
"""

import argparse
import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from deepcohort.compose.filter_run import TrainingInput, label
from deepcohort.core.io import ReferenceFasta
from deepcohort.filter.apply import filter_vcf
from deepcohort.model.load import load_predictor
from filter_networks import PRECISIONS, area, recall_at

ANNOTATIONS = ("QD", "MQRankSum", "ReadPosRankSum", "FS", "SOR", "MQ")
LEAST = 100
Key = tuple[bytes, ...]


def rows_of(vcf: Path) -> Iterator[list[bytes]]:
    """Fields of each record."""
    with gzip.open(vcf, "rb") as file:
        for line in file:
            if not line.startswith(b"#"):
                yield line.rstrip(b"\n").split(b"\t")


def known_sites(truth: Path, out: Path) -> None:
    """Every second true variant, indexed."""
    plain, n = out.with_suffix(""), 0
    with gzip.open(truth, "rb") as file, open(plain, "wb") as kept:
        for line in file:
            n += not line.startswith(b"#")
            if line.startswith(b"#") or n % 2:
                kept.write(line)
    subprocess.run(["bgzip", "-f", plain], check=True)
    subprocess.run(["tabix", "-f", "-p", "vcf", out], check=True)


def vets(vcf: Path, known: Path, prefix: Path, python: Path | None) -> dict[Key, float]:
    """SCORE of each record, by (contig, POS, REF, ALT)."""
    path = f"{python}:{os.environ['PATH']}" if python else os.environ["PATH"]
    flags = [word for name in ANNOTATIONS for word in ("-A", name)]
    resource = ["--resource:known,training=true,calibration=true", str(known)]
    found = {}
    for mode in ("SNP", "INDEL"):
        extracted, model, scored = (f"{prefix}.{word}.{mode}" for word in ("extracted", "model", "scored"))
        if not Path(f"{scored}.vcf.gz").exists():
            for words in (
                ["ExtractVariantAnnotations", "-V", str(vcf), "--mode", mode, *flags, *resource, "-O", extracted],
                ["TrainVariantAnnotationsModel", "--annotations-hdf5", f"{extracted}.annot.hdf5", "--mode", mode,
                 "-O", model],
                ["ScoreVariantAnnotations", "-V", str(vcf), "--mode", mode, *flags, "--model-prefix", model, *resource,
                 "--resource:extracted,extracted=true", f"{extracted}.vcf.gz", "-O", scored],
            ):  # fmt: skip
                done = subprocess.run(
                    [os.environ.get("GATK", "gatk"), *words, "--verbosity", "ERROR"],
                    env={**os.environ, "PATH": path}, capture_output=True, text=True,
                )  # fmt: skip
                if done.returncode:
                    sys.exit(f"GATK {words[0]} failed:\n{done.stderr[-3000:]}")
        for fields in rows_of(Path(f"{scored}.vcf.gz")):
            info = dict(part.partition(b"=")[::2] for part in fields[7].split(b";"))
            if b"SCORE" in info:
                found[(fields[0], fields[1], fields[3], fields[4])] = float(info[b"SCORE"])
    return found


def main() -> None:
    """Run VETS and the filter, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--python", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    predictor = load_predictor("auto", "illumina", "cpu")
    print("| set | | records | wrong | by | PR area | " + " | ".join(f"{p:.0%}" for p in PRECISIONS) + " |")
    print("|---" * (6 + len(PRECISIONS)) + "|")
    with open(options.sets, newline="") as file:
        sets = [row for row in csv.DictReader(file, delimiter="\t") if row["caller"] == "GATK"]
    for i, row in enumerate(sets):
        vcf, reference, prefix = Path(row["vcf"]), Path(row["reference"]), options.work / f"vets{i}"
        reads = tuple(map(Path, row["reads"].split(",")))
        item = TrainingInput(vcf, reads, Path(row["truth"]), Path(row["confident"]))
        labelled = label(item, reference)
        ours = prefix.with_suffix(".deepcohort.vcf.gz")
        if not ours.exists():
            filter_vcf(vcf, reads, reference, ours, predictor)
        print_rows(
            row["name"], item, labels_of(vcf, labelled.labels, reference), ours, prefix, options.python
        )


def labels_of(vcf: Path, labels: object, reference: Path) -> dict[Key, bool]:
    """Whether each judged record is right, by (contig, POS, REF, ALT)."""
    with ReferenceFasta(reference) as fasta:
        contigs = [name.encode() for name in fasta.contig_lengths]
    rows = list(rows_of(vcf))
    found = {}
    for contig in contigs:
        mine = [fields for fields in rows if fields[0] == contig]
        for fields, told in zip(mine, labels(contig.decode()) if mine else (), strict=False):  # type: ignore[operator]
            if told >= 0:
                found[(fields[0], fields[1], fields[3], fields[4])] = bool(told == 1)
    return found


def print_rows(
    name: str, item: TrainingInput, right: dict[Key, bool], ours: Path, prefix: Path, python: Path | None
) -> None:
    """A row for each type and score."""
    known = prefix.with_suffix(".known.vcf.gz")
    if not known.exists():
        known_sites(item.truth, known)
    quality, score = {}, {}
    for fields in rows_of(ours):
        key = (fields[0], fields[1], fields[3], fields[4])
        info = dict(part.partition(b"=")[::2] for part in fields[7].split(b";"))
        quality[key] = float(fields[5])
        if b"DC_SCORE" in info:
            score[key] = float(info[b"DC_SCORE"])
    keys = {
        kind: [k for k in right if k in score and is_snp(k) == (kind == "SNP")] for kind in ("SNP", "INDEL")
    }
    if min(map(len, keys.values())) < LEAST:
        return
    by = {"QUAL": quality, "GATK's VETS": vets(item.vcf, known, prefix, python), "today's default": score}
    for kind, mine in keys.items():
        label_of = np.array([right[k] for k in mine])
        for how, values in by.items():
            x = np.array([values.get(k, -np.inf) for k in mine])
            cells = [f"{area(x, label_of):.4f}", *(f"{recall_at(x, label_of, p):.4f}" for p in PRECISIONS)]
            print(
                f"| {name} | {kind} | {len(mine)} | {(~label_of).sum()} | {how} | "
                + " | ".join(cells)
                + " |",
                flush=True,
            )


def is_snp(key: Key) -> bool:
    """Whether all ALTs have the length of REF."""
    return all(len(alt) == len(key[2]) for alt in key[3].split(b","))


if __name__ == "__main__":
    main()
