"""Two call sets against one truth: which finds more, and where they differ."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.evaluate.counted_records import ScoredRecords
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, TP
from deepcohort.evaluate.metrics import mcnemar
from deepcohort.evaluate.strata import KIND_NAMES
from deepcohort.evaluate.tables import Row, of_type

_STATUS = {TP: "TP", ALLELE_ONLY: "genotype", MISS: "absent"}


def paired_tests(a: tuple[ScoredRecords, ScoredRecords], b: tuple[ScoredRecords, ScoredRecords]) -> list[Row]:
    """McNemar's exact test of recall between call sets `a` and `b`, each (truth, calls), by type.

    Truth records are paired one to one; those that either search gave up on are left out. False
    positives have no partner record and are only counted.
    """
    rows = []
    for kind in ("SNP", "INDEL", "ALL"):
        truth_a, truth_b = of_type(a[0], kind), of_type(b[0], kind)
        row_a, row_b = _aligned(truth_a, truth_b)
        found_a, found_b = truth_a.decision[row_a] == TP, truth_b.decision[row_b] == TP
        only_a, only_b = int((found_a & ~found_b).sum()), int((found_b & ~found_a).sum())
        fp_a, fp_b = (set(_false(of_type(side, kind)).tolist()) for side in (a[1], b[1]))
        rows.append(
            {
                "type": kind,
                "both_found": int((found_a & found_b).sum()),
                "only_a_found": only_a,
                "only_b_found": only_b,
                "neither_found": int((~found_a & ~found_b).sum()),
                "mcnemar_p": mcnemar(only_a, only_b),
                "fp_both": len(fp_a & fp_b),
                "fp_only_a": len(fp_a - fp_b),
                "fp_only_b": len(fp_b - fp_a),
            }
        )
    return rows


def _identity(side: ScoredRecords) -> NDArray[np.uint64]:
    """Key of each record: hash of its alleles, mixed with the contig and its rank among equals."""
    assert side.key is not None  # see Counted.kept
    key = side.key ^ (side.contig.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    order = np.argsort(key, kind="stable")
    same = np.concatenate([[False], key[order][1:] == key[order][:-1]])
    if same.any():  # the same record twice
        rank = np.zeros(len(key), dtype=np.uint64)
        run = 0
        for at, repeated in enumerate(same.tolist()):
            run = run + 1 if repeated else 0
            rank[order[at]] = run
        key = key + rank
    return key


def _aligned(a: ScoredRecords, b: ScoredRecords) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both tables that are the same record, judged in both."""
    usable_a = np.flatnonzero(np.isin(a.decision, list(_STATUS)))
    usable_b = np.flatnonzero(np.isin(b.decision, list(_STATUS)))
    _, in_a, in_b = np.intersect1d(
        _identity(a)[usable_a], _identity(b)[usable_b], assume_unique=True, return_indices=True
    )
    return usable_a[in_a], usable_b[in_b]


def _false(calls: ScoredRecords) -> NDArray[np.uint64]:
    return _identity(calls)[np.isin(calls.decision, (MISS, ALLELE_ONLY))]


def differing_loci(
    a: tuple[ScoredRecords, ScoredRecords],
    b: tuple[ScoredRecords, ScoredRecords],
    names: tuple[str, str],
    contigs: Sequence[str],
    reads: str | None,
    reference: Path,
) -> list[Row]:
    """Truth records that one set finds and the other does not, and false positives of one alone.

    Each with a command that shows the reads there.
    """
    rows: list[Row] = []
    row_a, row_b = _aligned(a[0], b[0])
    differs = (a[0].decision[row_a] == TP) != (b[0].decision[row_b] == TP)
    for i, j in zip(row_a[differs].tolist(), row_b[differs].tolist(), strict=True):
        found = {names[0]: _STATUS[int(a[0].decision[i])], names[1]: _STATUS[int(b[0].decision[j])]}
        rows.append(_locus(a[0], i, "truth", found, names, contigs, reads, reference))
    for calls, other, k in ((a[1], b[1], 0), (b[1], a[1], 1)):
        theirs = _false(other)
        mine = np.flatnonzero(np.isin(calls.decision, (MISS, ALLELE_ONLY)))
        alone = mine[~np.isin(_identity(calls)[mine], theirs)]
        for i in alone.tolist():
            found = {names[k]: "FP", names[1 - k]: "-"}
            rows.append(_locus(calls, i, "call", found, names, contigs, reads, reference))
    place = {contig: i for i, contig in enumerate(contigs)}
    rows.sort(key=lambda row: (place[row["contig"]], row["pos"], row["side"]))
    return rows


def _locus(
    side: ScoredRecords,
    i: int,
    role: str,
    found: dict[str, str],
    names: tuple[str, str],
    contigs: Sequence[str],
    reads: str | None,
    reference: Path,
) -> Row:
    assert side.kind is not None
    assert side.length is not None
    contig, pos = contigs[int(side.contig[i])], int(side.pos[i]) + 1
    return {
        "contig": contig,
        "pos": pos,
        "side": role,
        "kind": KIND_NAMES[int(side.kind[i])],
        "length_bp": int(side.length[i]),
        names[0]: found[names[0]],
        names[1]: found[names[1]],
        "command": show_command(contig, pos, reads, reference),
    }


def show_command(contig: str, pos: int, reads: str | None, reference: Path) -> str:
    """Command that draws the pileup at a 1-based position."""
    words = ("deepcohort", "show", "--reads", reads or "READS.bam", "--reference", str(reference))
    return shlex.join([*words, "--site", f"{contig}:{pos}", "--output", f"{contig}_{pos}.png"])
