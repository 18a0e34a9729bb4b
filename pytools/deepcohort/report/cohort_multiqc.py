"""Cohort statistics as MultiQC custom content (files named *_mqc.json)."""

import json
from pathlib import Path
from typing import Any

from deepcohort.core.escape import escaped

_ORDER_BY_NAME = {"section_anchor": "deepcohort_cohort"}


def write_section(
    folder: Path,
    name: str,
    title: str,
    description: str,
    plot_type: str,
    data: Any,
    pconfig: dict[str, Any],
    **more: Any,
) -> Path:
    """Write `folder`/deepcohort_`name`_mqc.json."""
    content = {
        "id": f"deepcohort_{name}",
        "section_name": title,
        "description": description,
        "parent_id": "deepcohort_cohort",
        "parent_name": "Cohort",
        "plot_type": plot_type,
        "pconfig": {"id": f"deepcohort_{name}_plot", "title": f"Cohort: {title}", **pconfig},
        **more,
        "data": data,
    }
    path = folder / f"deepcohort_{name}_mqc.json"
    path.write_text(json.dumps(escaped(content), indent=1) + "\n")
    return path


def sample_table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Table of the samples' counts; `rows` as of samples.tsv."""
    headers = {
        "snp": {"title": "SNPs", "format": "{:,.0f}", "scale": "Blues"},
        "indel": {"title": "Indels", "format": "{:,.0f}", "scale": "Purples"},
        "ti_tv": {"title": "Ti/Tv", "format": "{:,.3f}", "min": 0, "max": 4},
        "het_hom": {"title": "Het/hom", "format": "{:,.3f}", "description": "Heterozygous / homozygous ALT"},
        "missing_rate": {"title": "Missing", "suffix": "%", "min": 0, "scale": "OrRd"},
        "singleton": {"title": "Singletons", "format": "{:,.0f}"},
        "de_novo": {"title": "De novo", "format": "{:,.0f}", "hidden": False},
        "mean_dp": {"title": "Mean DP", "format": "{:,.1f}", "scale": "Greens"},
        "mean_gq": {"title": "Mean GQ", "format": "{:,.1f}", "scale": "Greens"},
        "sex_inferred": {"title": "Sex (X, Y)", "description": "From heterozygosity of X and calls on Y"},
        "sex_check": {"title": "Sex check"},
    }
    data = {}
    for row in rows:
        values = {key: row[key] for key in headers if row[key] != ""}
        if "missing_rate" in values:
            values["missing_rate"] = round(100.0 * values["missing_rate"], 3)
        data[row["sample"]] = values
    return write_section(
        folder,
        "samples",
        "Samples",
        "Genotypes of each sample at PASS sites of the cohort VCF.",
        "table",
        data,
        {"namespace": "deepcohort"},
        headers=headers,
    )


def spectrum_plot(folder: Path, spectrum: dict[str, dict[str, int]]) -> Path:
    """Bar graph of alternate alleles by frequency class, SNPs and indels."""
    classes = list(next(iter(spectrum.values()))) if spectrum else []
    data = {label: {kind: spectrum[kind][label] for kind in spectrum} for label in classes}
    return write_section(
        folder,
        "af_spectrum",
        "Allele frequency spectrum",
        "Alternate alleles of PASS sites by their frequency in the cohort.",
        "bargraph",
        data,
        {"xlab": "Alleles", "sort_samples": False, "cpswitch_c_active": True},
    )


def pca_plot(folder: Path, samples: list[str], coordinates: list[list[float]], shares: list[float]) -> Path:
    """Scatter plot of the first two components."""
    data = {name: {"x": row[0], "y": row[1]} for name, row in zip(samples, coordinates, strict=True)}
    return write_section(
        folder,
        "pca",
        "Principal components",
        "Samples by their common autosomal SNPs; outliers may be contaminated or of other ancestry.",
        "scatter",
        data,
        {"xlab": f"PC1 ({100 * shares[0]:.1f} %)", "ylab": f"PC2 ({100 * shares[1]:.1f} %)"},
    )


def embedding_plot(folder: Path, samples: list[str], places: list[list[float]]) -> Path:
    """Scatter plot of the neighbour embedding."""
    data = {name: {"x": row[0], "y": row[1]} for name, row in zip(samples, places, strict=True)}
    return write_section(
        folder,
        "embedding",
        "Neighbour embedding",
        "Samples by the same SNPs (t-SNE of the principal components): neighbours stay together, distances "
        "between groups say nothing.",
        "scatter",
        data,
        {"xlab": "axis 1", "ylab": "axis 2"},
    )


def relatedness_table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Table of related pairs and of pairs the pedigree names."""
    data = {
        f"{row['sample_1']} - {row['sample_2']}": {
            "kinship": row["kinship"],
            "ibs0": row["ibs0"],
            "observed": row["observed"],
            "expected": row["expected"],
            "check": row["check"],
        }
        for row in rows
    }
    return write_section(
        folder,
        "relatedness",
        "Relatedness",
        "Pairs related by genotype (KING-robust kinship from 0.0884) or by pedigree.",
        "table",
        data,
        {"namespace": "deepcohort", "col1_header": "Pair"},
        headers={"kinship": {"format": "{:,.3f}"}, "ibs0": {"title": "IBS0", "format": "{:,.4f}"}},
    )


def mendelian_table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Table of Mendelian violations by trio."""
    data = {
        f"{row['family']}: {row['child']}": {
            key: row[key]
            for key in ("snp_checked", "snp_violations", "indel_checked", "indel_violations", "rate")
        }
        for row in rows
    }
    return write_section(
        folder,
        "mendelian",
        "Mendelian violations",
        "Autosomal PASS sites where all three genotypes are complete and one is not reference.",
        "table",
        data,
        {"namespace": "deepcohort", "col1_header": "Trio"},
        headers={"rate": {"title": "Violation rate", "format": "{:,.5f}", "scale": "OrRd"}},
    )
