"""Calls described without a truth set: what goes wrong often shows in ratios and in families."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.genome import is_of_both_parents
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.outputs import atomic_outputs
from deepcohort.evaluate import context_kernels as ck
from deepcohort.evaluate import tables as tb
from deepcohort.evaluate.annotate_kernels import allele_keys
from deepcohort.evaluate.config import EvaluateConfig
from deepcohort.evaluate.io_vcf import VcfFile
from deepcohort.evaluate.match import ALLELE_ONLY, MISS, OUTSIDE, TP, match_trio
from deepcohort.evaluate.metrics import ratio
from deepcohort.evaluate.run import contigs_of, template_codes
from deepcohort.evaluate.types import RecordTable
from deepcohort.formats.ped import read_ped

_FILES = ("samples.tsv", "mendelian.tsv", "replicates.tsv", "novelty.tsv", "without_truth.json")


@dataclass(frozen=True, slots=True)
class _Calls:
    """Genotypes of one sample at every passed record, keyed by contig and hash of the alleles.

    from_both: diploid, and not on X, Y or mitochondria, so that one allele is of either parent.
    """

    keys: NDArray[np.uint64]
    gt: NDArray[np.int16]
    kind: NDArray[np.uint8]
    zygosity: NDArray[np.uint8]
    transition: NDArray[np.int8]
    variant: NDArray[np.bool_]
    from_both: NDArray[np.bool_]


def _load(vcf: VcfFile, contigs: Sequence[str]) -> _Calls:
    parts: list[tuple[NDArray[Any], ...]] = []
    for number, contig in enumerate(contigs):
        table = vcf.read(contig)
        rows = np.flatnonzero(table.passed & (table.ploidy > 0))
        keys = _keys(table, rows) ^ np.uint64(number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        kind, _, zygosity, transition = ck.classify(
            table.pool, table.pool_offset, table.ref_len, table.alt_len, table.gt, table.ploidy, rows
        )
        gt = table.gt[rows, :2].copy()
        haploid = table.ploidy[rows] == 1
        gt[haploid, 1] = gt[haploid, 0]
        variant = np.asarray((gt > 0).any(axis=1))
        from_both = ~haploid & is_of_both_parents(contig)
        parts.append((keys, np.sort(gt, axis=1), kind, zygosity, transition, variant, from_both))
    return _Calls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _keys(table: RecordTable, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    return allele_keys(table.pool, table.pool_offset, table.pos, table.ref_len, table.alt_len, rows)


def sample_statistics(calls: _Calls) -> tb.Row:
    """Counts and ratios of one sample: Ti/Tv of SNPs, het/hom of SNPs and indels, insertions/deletions."""
    v = calls.variant
    snp, indel = v & (calls.kind == ck.SNP), v & (calls.kind >= ck.INSERTION)
    ti, tv = int((snp & (calls.transition == 1)).sum()), int((snp & (calls.transition == 0)).sum())

    def het_hom(chosen: NDArray[np.bool_]) -> float:
        het = np.isin(calls.zygosity[chosen], (ck.HET, ck.MULTI)).sum()
        return ratio(int(het), int((calls.zygosity[chosen] == ck.HOM).sum()))

    insertions, deletions = (int((v & (calls.kind == k)).sum()) for k in (ck.INSERTION, ck.DELETION))
    return {
        "snps": int(snp.sum()),
        "indels": int(indel.sum()),
        "mnps": int((v & (calls.kind == ck.MNP)).sum()),
        "ti": ti,
        "tv": tv,
        "ti_tv": ratio(ti, tv),
        "het_hom_snp": het_hom(snp),
        "het_hom_indel": het_hom(indel),
        "insertions": insertions,
        "deletions": deletions,
        "ins_del": ratio(insertions, deletions),
    }


def _joined(*sets: _Calls) -> list[NDArray[np.int64]]:
    """Rows of each set at the records that all of them have, aligned."""
    keys = [np.unique(s.keys, return_index=True) for s in sets]
    common = keys[0][0]
    for other, _ in keys[1:]:
        common = np.intersect1d(common, other, assume_unique=True)
    return [index[np.searchsorted(values, common)] for values, index in keys]


def mendelian(child: _Calls, father: _Calls, mother: _Calls) -> tb.Row:
    """Sites where all three have a diploid genotype and one varies, and how many break inheritance.

    The records must be those of one multi-sample VCF (or share their alleles). X, Y and mitochondria are
    left out.
    """
    at_child, at_father, at_mother = _joined(child, father, mother)
    c, f, m = child.gt[at_child], father.gt[at_father], mother.gt[at_mother]
    called = child.from_both[at_child] & father.from_both[at_father] & mother.from_both[at_mother]
    called &= (c >= 0).all(1) & (f >= 0).all(1) & (m >= 0).all(1)
    called &= (c > 0).any(1) | (f > 0).any(1) | (m > 0).any(1)
    c, f, m = c[called], f[called], m[called]

    def has(parent: NDArray, allele: NDArray) -> NDArray[np.bool_]:
        return (parent == allele[:, None]).any(axis=1)

    good = (has(f, c[:, 0]) & has(m, c[:, 1])) | (has(f, c[:, 1]) & has(m, c[:, 0]))
    hom_ref_parents = ~(f > 0).any(1) & ~(m > 0).any(1)
    return {
        "sites": len(c),
        "violations": int((~good).sum()),
        "violation_rate": ratio(int((~good).sum()), len(c)),
        "de_novo_like": int((~good & hom_ref_parents).sum()),
    }


def mendelian_on_haplotypes(
    files: tuple[VcfFile, VcfFile, VcfFile], reference: ReferenceFasta, contigs: Sequence[str]
) -> tb.Row:
    """Child's variant records that its parents can have passed on, whichever way they are written.

    X, Y and mitochondria are left out.

    Parameters:
        files: child, father and mother; the parents in one file.
    """
    counts = {"haplotype_records": 0, "haplotype_violations": 0}
    config = EvaluateConfig()
    for contig in filter(is_of_both_parents, contigs_of(contigs, *files)):
        child, father, mother = (vcf.read(contig) for vcf in files)
        result = match_trio(contig, template_codes(reference, contig), child, father, mother, config)
        decision = result.calls.decision
        counts["haplotype_records"] += int(np.isin(decision, (TP, OUTSIDE, ALLELE_ONLY, MISS)).sum())
        counts["haplotype_violations"] += int(np.isin(decision, (ALLELE_ONLY, MISS)).sum())
    return {**counts}


def replicate_concordance(a: _Calls, b: _Calls) -> tb.Row:
    """Agreement of two samples of one person over the variants that either has.

    A record that one sample lacks counts as a difference unless the other is reference there.
    """
    at_a, at_b = _joined(a, b)
    either = a.variant[at_a] | b.variant[at_b]
    gt_a, gt_b = a.gt[at_a][either], b.gt[at_b][either]
    same = (gt_a == gt_b).all(axis=1)
    alleles = (a.variant[at_a] & b.variant[at_b])[either]
    alone_a = int(a.variant.sum()) - int(a.variant[at_a].sum())
    alone_b = int(b.variant.sum()) - int(b.variant[at_b].sum())
    total = int(either.sum()) + alone_a + alone_b
    return {
        "variants_either": total,
        "same_genotype": int(same.sum()),
        "genotype_concordance": ratio(int(same.sum()), total),
        "both_variant": int(alleles.sum()),
        "site_concordance": ratio(int(alleles.sum()), total),
        "only_a": alone_a + int((a.variant[at_a] & ~b.variant[at_b]).sum()),
        "only_b": alone_b + int((b.variant[at_b] & ~a.variant[at_a]).sum()),
    }


def novelty(vcf: VcfFile, sites: set[tuple[str, int, str, str]], contigs: Sequence[str]) -> tb.Row:
    """Called ALTs of one sample that a sites list knows, and Ti/Tv of known and novel SNPs."""
    counts = {"known": 0, "novel": 0}
    changes = {"known": [0, 0], "novel": [0, 0]}
    for contig in contigs:
        table = vcf.read(contig)
        for row in np.flatnonzero(table.passed & (table.gt > 0).any(axis=1)).tolist():
            ref, alts, _ = table.text(row)
            split = alts.split(",")
            for allele in sorted({int(a) for a in table.gt[row] if 0 < a <= len(split)}):
                alt = split[allele - 1]
                label = "known" if (contig, int(table.pos[row]), ref, alt) in sites else "novel"
                counts[label] += 1
                if len(ref) == len(alt) == 1:
                    changes[label][0 if {ref.upper(), alt.upper()} in ({"A", "G"}, {"C", "T"}) else 1] += 1
    total = counts["known"] + counts["novel"]
    return {
        "alleles": total,
        **counts,
        "novel_fraction": ratio(counts["novel"], total),
        "ti_tv_known": ratio(*changes["known"]),
        "ti_tv_novel": ratio(*changes["novel"]),
    }


def _read_sites(path: Path, contigs: Sequence[str]) -> set[tuple[str, int, str, str]]:
    vcf = VcfFile(path, None, "sites", choose=False)
    out = set()
    for contig in contigs:
        table = vcf.read(contig)
        for row in range(len(table)):
            ref, alts, _ = table.text(row)
            out |= {(contig, int(table.pos[row]), ref, alt) for alt in alts.split(",")}
    return out


def trios_of(ped: Path) -> list[tuple[str, str, str]]:
    """(child, father, mother) of every complete trio of a PED file.

    Raises:
        DeepcohortError: see `read_ped`.
    """
    return [(row.sample, row.father, row.mother) for row in read_ped(ped) if row.father and row.mother]


def _on_haplotypes(
    files: tuple[VcfFile, VcfFile, VcfFile], reference: Path, contigs: Sequence[str]
) -> tb.Row:
    if files[1].path != files[2].path:
        return {"haplotype_records": math.nan, "haplotype_violations": math.nan}
    with ReferenceFasta(reference) as fasta:
        return mendelian_on_haplotypes(files, fasta, contigs)


def describe(
    calls: Sequence[Path],
    reference: Path,
    output: Path,
    ped: Path | None,
    replicates: Sequence[str],
    sites: Path | None,
) -> None:
    """Write what can be said of `calls` without truth to folder `output`.

    Raises:
        DeepcohortError: unknown samples, malformed options, files that do not fit together.
    """
    files: dict[str, VcfFile] = {}
    for path in calls:
        for sample in VcfFile(path, None, "calls", choose=False).samples:
            if sample in files:
                raise DeepcohortError(f"sample {sample} is in two files of calls; describe them one by one")
            files[sample] = VcfFile(path, sample, "calls")
    with ReferenceFasta(reference) as fasta:
        # of files without records one contig, so that there are columns
        contigs = contigs_of(fasta.contig_lengths, *files.values()) or list(fasta.contig_lengths)[:1]
    columns = {sample: (vcf, _load(vcf, contigs)) for sample, vcf in files.items()}

    def of(sample: str) -> _Calls:
        if sample not in columns:
            raise DeepcohortError(f"calls have no sample '{sample}' (they have: {', '.join(columns)})")
        return columns[sample][1]

    rows: dict[str, list[tb.Row]] = {}
    rows["samples.tsv"] = [{"sample": s, **sample_statistics(c)} for s, (_, c) in columns.items()]
    trios = trios_of(ped) if ped else []
    rows["mendelian.tsv"] = [
        {
            "child": c,
            "father": f,
            "mother": m,
            **mendelian(of(c), of(f), of(m)),
            **_on_haplotypes((columns[c][0], columns[f][0], columns[m][0]), reference, contigs),
        }
        for c, f, m in trios
        if {c, f, m} <= set(columns)
    ]
    pairs = [pair.split(",") for pair in replicates]
    if any(len(pair) != 2 for pair in pairs):
        raise DeepcohortError("--replicates wants two sample names with a comma between: A,B")
    rows["replicates.tsv"] = [{"a": a, "b": b, **replicate_concordance(of(a), of(b))} for a, b in pairs]
    known = _read_sites(sites, contigs) if sites else set()
    rows["novelty.tsv"] = (
        [{"sample": s, **novelty(vcf, known, contigs)} for s, (vcf, _) in columns.items()] if sites else []
    )
    output.mkdir(parents=True, exist_ok=True)
    chosen = [name for name in _FILES[:-1] if rows[name]] + [_FILES[-1]]
    with atomic_outputs(*(output / name for name in chosen)) as paths:
        for name, path in zip(chosen, paths, strict=True):
            if name == _FILES[-1]:
                tb.write_json(path, {k.removesuffix(".tsv"): v for k, v in rows.items()})
            else:
                tb.write_tsv(path, rows[name])
