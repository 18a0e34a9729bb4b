"""Cohort statistics as MultiQC custom content (files named *_mqc.json)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepcohort.core.escape import escaped

_INTRODUCTION = "Joint genotypes of all samples: records of the cohort VCF whose FILTER is PASS."


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
        "parent_description": _INTRODUCTION,
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
        "missing_rate": {
            "title": "Missing",
            "suffix": "%",
            "min": 0,
            "max": 10,
            "format": "{:,.3f}",
            "scale": "OrRd",
        },
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


_PALETTE = ("#2f6fb3", "#d1682b", "#3a8f6b", "#a3497c", "#7a6bc2", "#b8952c", "#4a9cb8", "#8c5b3f")
_MOST_NAMED = 40  # points with names beside them


def pca_plot(
    folder: Path,
    samples: list[str],
    coordinates: list[list[float]],
    shares: list[float],
    families: Mapping[str, str] | None = None,
) -> Path:
    """Scatter plot of the first two components, coloured by family."""
    families = families or {}
    groups = [families.get(name, "") for name in samples]
    colours = {group: _PALETTE[i % len(_PALETTE)] for i, group in enumerate(dict.fromkeys(groups))}
    data = {
        name: {
            "x": row[0],
            "y": row[1],
            "color": colours[group],
            "group": group or "no family",
            **({"annotation": name} if len(samples) <= _MOST_NAMED else {}),
        }
        for name, row, group in zip(samples, coordinates, groups, strict=True)
    }
    return write_section(
        folder,
        "pca",
        "Principal components",
        "Samples by their common autosomal SNPs; outliers may be contaminated or of other ancestry.",
        "scatter",
        data,
        {
            # MultiQC takes a unit from the label's brackets, here that of the variance
            "xlab": f"PC1: {100 * shares[0]:.1f} % of variance",
            "ylab": f"PC2: {100 * shares[1]:.1f} % of variance",
            "xsuffix": "",
            "ysuffix": "",
            "tt_decimals": 4,
            "showlegend": len(set(groups)) > 1 and len(set(groups)) <= len(_PALETTE),
        },
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
            key: row[key]
            for key in ("kinship", "ibs0", "sites", "observed", "expected", "check")
            if row[key] != ""
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
        headers={
            "kinship": {
                "title": "Kinship",
                "description": "KING-robust",
                "format": "{:,.3f}",
                "min": 0,
                "max": 0.5,
                "scale": "Blues",
            },
            "ibs0": {
                "title": "IBS0",
                "description": "Sites where the two are homozygous for different alleles",
                "format": "{:,.4f}",
                "min": 0,
                "max": 0.1,
                "scale": "Oranges",
            },
            "sites": {"title": "Sites", "format": "{:,.0f}", "scale": False},
            "observed": {"title": "Genotypes say"},
            "expected": {"title": "Pedigree says"},
            "check": {
                "title": "Check",
                "cond_formatting_rules": {
                    "pass": [{"s_eq": "ok"}],
                    "warn": [{"s_eq": "unexpected"}],
                    "fail": [{"s_eq": "MISMATCH"}],
                },
            },
        },
    )


def mendelian_table(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Table of Mendelian violations by trio: counts and, in per cent, their rate."""
    data = {}
    for row in rows:
        values = {
            key: row[key] for key in ("snp_checked", "snp_violations", "indel_checked", "indel_violations")
        }
        if row["rate"] != "":
            values["rate"] = round(100.0 * row["rate"], 4)
        data[f"{row['family']}: {row['child']}" if row["family"] else row["child"]] = values
    count: dict[str, Any] = {"format": "{:,.0f}", "min": 0, "scale": False}
    return write_section(
        folder,
        "mendelian",
        "Mendelian violations",
        "Autosomal PASS sites where all three genotypes are complete and one is not reference. Far more than "
        "in other families tells of a wrong pedigree, shallow reads or contamination.",
        "table",
        data,
        {"namespace": "deepcohort", "col1_header": "Trio"},
        headers={
            "snp_checked": {"title": "SNP sites", **count},
            "snp_violations": {"title": "SNP violations", **count},
            "indel_checked": {"title": "Indel sites", **count},
            "indel_violations": {"title": "Indel violations", **count},
            "rate": {
                "title": "Rate",
                "description": "Violations over sites, both kinds",
                "suffix": "%",
                "format": "{:,.3f}",
                "min": 0,
                "max": 5,
                "scale": "OrRd",
            },
        },
    )
