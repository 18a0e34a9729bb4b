"""Statistics of a cohort VCF: one pass, then tables, JSON and MultiQC content."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.kin import expected_kin
from deepcohort.core.outputs import atomic_folder, check_folder_place
from deepcohort.core.progress import track
from deepcohort.core.sample_places import (
    LEAST_SAMPLES,
    genetic_covariance,
    neighbour_embedding,
    principal_components,
)
from deepcohort.core.text import table_cell
from deepcohort.report import cohort_multiqc as multiqc
from deepcohort.report.cohort_config import CohortStatsConfig
from deepcohort.report.cohort_counts import (
    GenotypeMatrix,
    SampleCounts,
    SiteCounts,
    Trio,
    count_site,
    count_trios,
)
from deepcohort.report.cohort_relatedness import (
    degree_of,
    is_parent_child,
    king_kinship,
)
from deepcohort.report.io_cohort import CohortVcf

_FREQUENCY_EDGES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


def write_cohort_stats(
    vcf: str | Path,
    output: str | Path,
    parents: Mapping[str, tuple[str, str]] | None = None,
    sex: Mapping[str, str] | None = None,
    family: Mapping[str, str] | None = None,
    config: CohortStatsConfig | None = None,
    quiet: bool = False,
    warn: Callable[[list[str]], list[str]] | None = None,
) -> dict[str, Any]:
    """Statistics of `vcf`, written to the folder `output`; returns the cohort's summary.

    Args:
        parents: child -> (father, mother), "" where unknown. sex: sample -> XX or XY.
        family: sample -> family id.
        warn: from the samples' names, what is doubtful of the pedigree; it stands in the summary.

    Raises:
        DeepcohortError: the VCF cannot be used.
    """
    config = config or CohortStatsConfig()
    parents, sex, family = parents or {}, sex or {}, family or {}
    cohort = CohortVcf(vcf)
    check_folder_place(Path(output))
    index = {name: i for i, name in enumerate(cohort.samples)}
    trios = [
        Trio(family.get(child, ""), index[child], index[father], index[mother])
        for child, (father, mother) in parents.items()
        if {child, father, mother} <= index.keys()
    ]
    samples = SampleCounts.zeros(len(index))
    sites = SiteCounts()
    matrix = GenotypeMatrix(config)
    checked = np.zeros((len(trios), 2), dtype=np.int64)
    wrong = np.zeros((len(trios), 2), dtype=np.int64)
    for site in track(cohort, None, "sites", quiet):
        count_site(site, samples, sites, index)
        count_trios(site, trios, checked, wrong)
        matrix.add(site)
    rows = _sample_rows(cohort.samples, samples, sites, sex, config)
    trio_rows = _trio_rows(cohort.samples, trios, checked, wrong)
    copies = matrix.array(len(index))
    with atomic_folder(Path(output)) as folder:
        _write_counts(folder, rows, sites, trio_rows)
        related = _relatedness(folder, cohort.samples, copies, parents, config, family)
        summary = _summary(cohort.samples, sites, samples, len(copies), trio_rows, related, rows)
        summary["warnings"] = warn(cohort.samples) if warn else []
        (folder / "cohort.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def _write_counts(
    folder: Path, rows: list[dict[str, Any]], sites: SiteCounts, trio_rows: list[dict[str, Any]]
) -> None:
    _write_tsv(folder / "samples.tsv", rows)
    multiqc.sample_table(folder, rows)
    spectrum = _spectrum(sites)
    _write_tsv(
        folder / "af_spectrum.tsv",
        [
            {"kind": kind, "frequency": label, "alleles": n}
            for kind in spectrum
            for label, n in spectrum[kind].items()
        ],
    )
    multiqc.spectrum_plot(folder, spectrum)
    if trio_rows:
        _write_tsv(folder / "mendelian.tsv", trio_rows)
        multiqc.mendelian_table(folder, trio_rows)


def _ratio(a: float, b: float) -> float | str:
    return round(float(a) / float(b), 5) if b else ""


def _sample_rows(
    names: list[str], n: SampleCounts, sites: SiteCounts, sex: Mapping[str, str], config: CohortStatsConfig
) -> list[dict[str, Any]]:
    rows = []
    for i, name in enumerate(names):
        inferred = _inferred_sex(n, i, sites, config)
        stated = sex.get(name, "")
        check = "" if not inferred or not stated else ("ok" if inferred == stated else "MISMATCH")
        rows.append(
            {
                "sample": name,
                "called": int(n.called[i]),
                "missing": int(n.missing[i]),
                "missing_rate": _ratio(n.missing[i], n.called[i] + n.missing[i]),
                "hom_ref": int(n.hom_ref[i]),
                "het": int(n.het[i]),
                "hom_alt": int(n.hom_alt[i]),
                "het_hom": _ratio(n.het[i], n.hom_alt[i]),
                "snp": int(n.snp[i]),
                "indel": int(n.insertion[i] + n.deletion[i]),
                "insertion": int(n.insertion[i]),
                "deletion": int(n.deletion[i]),
                "ti_tv": _ratio(n.ti[i], n.tv[i]),
                "singleton": int(n.singleton[i]),
                "de_novo": int(n.de_novo[i]),
                "mean_dp": _ratio(n.dp_sum[i], n.dp_n[i]),
                "mean_gq": _ratio(n.gq_sum[i], n.gq_n[i]),
                "x_het_rate": _ratio(n.x_het[i], n.x_called[i]),
                "y_call_rate": _ratio(n.y_called[i], sites.y_sites),
                "sex_stated": stated,
                "sex_inferred": inferred,
                "sex_check": check,
            }
        )
    return rows


def _inferred_sex(n: SampleCounts, i: int, sites: SiteCounts, config: CohortStatsConfig) -> str:
    """XX or XY from heterozygosity of X against autosomes, or calls on Y; "" if too few sites."""
    if n.x_called[i] >= config.min_sex_sites and n.autosome_het[i]:
        rate = (n.x_het[i] / n.x_called[i]) / (n.autosome_het[i] / n.autosome_called[i])
        return "XY" if rate <= config.max_male_x_het else "XX"
    if sites.y_sites >= config.min_sex_sites:
        return "XY" if n.y_called[i] > 0.5 * sites.y_sites else "XX"
    return ""


def _spectrum(sites: SiteCounts) -> dict[str, dict[str, int]]:
    """kind -> frequency class -> alternate alleles."""
    labels = ["singleton"]
    low = 0.0
    for edge in _FREQUENCY_EDGES:
        labels.append(f"{low:g}-{edge:g}")
        low = edge
    found = {}
    for kind, counts in sites.spectrum.items():
        row = dict.fromkeys(labels, 0)
        for (ac, an), n in counts.items():
            place = int(np.searchsorted(_FREQUENCY_EDGES, ac / an, side="left"))
            row["singleton" if ac == 1 else labels[1 + place]] += n
        found[kind] = row
    return found


def _trio_rows(
    names: list[str], trios: list[Trio], checked: NDArray[np.int64], wrong: NDArray[np.int64]
) -> list[dict[str, Any]]:
    return [
        {
            "family": trio.family,
            "child": names[trio.child],
            "father": names[trio.father],
            "mother": names[trio.mother],
            "snp_checked": int(checked[i, 0]),
            "snp_violations": int(wrong[i, 0]),
            "indel_checked": int(checked[i, 1]),
            "indel_violations": int(wrong[i, 1]),
            "rate": _ratio(wrong[i].sum(), checked[i].sum()),
        }
        for i, trio in enumerate(trios)
    ]


def _relatedness(
    folder: Path,
    names: list[str],
    copies: NDArray[np.int8],
    parents: Mapping[str, tuple[str, str]],
    config: CohortStatsConfig,
    family: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Write relatedness.tsv and pca.tsv; the pairs that are related by genotype or pedigree."""
    if len(copies) < config.min_relatedness_sites or len(names) < 2:
        return []
    kinship = king_kinship(copies)
    expected = expected_kin(parents, names)
    rows = []
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            phi, ibs0 = float(kinship.phi[i, j]), float(kinship.ibs0[i, j])
            is_known = math.isfinite(phi)  # a sample without calls, or without heterozygotes, has no kinship
            observed = degree_of(phi, ibs0, config) if is_known else "unknown"
            wanted = expected.get(frozenset((names[i], names[j])), "")
            if observed in ("unrelated", "unknown") and not wanted:
                continue
            agrees = observed == wanted or (observed in ("second degree", "unrelated") and not wanted)
            # parent and child share an allele everywhere; on little sequence kinship alone is noisy
            if wanted == "parent-child" and is_parent_child(phi, ibs0, config):
                agrees = True
            rows.append(
                {
                    "sample_1": names[i],
                    "sample_2": names[j],
                    "kinship": round(phi, 5) if is_known else "",
                    "ibs0": round(ibs0, 5) if math.isfinite(ibs0) else "",
                    "sites": int(kinship.n_sites[i, j]),
                    "observed": observed,
                    "expected": wanted or "not stated",
                    "check": _check_of(agrees, is_known, bool(wanted)),
                }
            )
    columns = ("sample_1", "sample_2", "kinship", "ibs0", "sites", "observed", "expected", "check")
    _write_tsv(folder / "relatedness.tsv", rows, columns)
    if rows:
        multiqc.relatedness_table(folder, rows)
    _write_places(folder, names, copies, config, family)
    return rows


def _check_of(agrees: bool, is_known: bool, is_stated: bool) -> str:
    if not is_known:
        return ""
    return "ok" if agrees else ("MISMATCH" if is_stated else "unexpected")


def _write_places(
    folder: Path,
    names: list[str],
    copies: NDArray[np.int8],
    config: CohortStatsConfig,
    family: Mapping[str, str],
) -> None:
    """pca.tsv and its plots: principal components; an embedding of cohorts neither tiny nor huge."""
    share = np.where(copies >= 0, copies, np.nan).astype(np.float32) / np.float32(2)
    coordinates, shares = principal_components(
        genetic_covariance(share, config.min_frequency), min(config.n_components, len(names))
    )
    columns = {f"PC{k + 1}": coordinates[:, k] for k in range(coordinates.shape[1])}
    multiqc.pca_plot(folder, names, coordinates.round(6).tolist(), shares.tolist(), family)
    if LEAST_SAMPLES <= len(names) <= config.max_embedded:
        places = neighbour_embedding(coordinates)
        columns |= {"embedding1": places[:, 0], "embedding2": places[:, 1]}
        multiqc.embedding_plot(folder, names, places.round(4).tolist())
    rows = [
        {"sample": name, **{key: round(float(values[i]), 6) for key, values in columns.items()}}
        for i, name in enumerate(names)
    ]
    _write_tsv(folder / "pca.tsv", rows)


def _summary(
    names: list[str],
    sites: SiteCounts,
    samples: SampleCounts,
    n_matrix_sites: int,
    trio_rows: list[dict[str, Any]],
    related: list[dict[str, Any]],
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    total = samples.called.sum() + samples.missing.sum()
    return {
        "samples": len(names),
        "sites_pass": sites.by_filter["PASS"],
        "sites_filtered": sites.by_filter["filtered"],
        "snp_sites": sites.kinds["SNP"],
        "insertion_sites": sites.kinds["INS"],
        "deletion_sites": sites.kinds["DEL"],
        "multiallelic_sites": sites.kinds["multiallelic"],
        "ti_tv": _ratio(sites.kinds["ti"], sites.kinds["tv"]),
        "het_hom": _ratio(samples.het.sum(), samples.hom_alt.sum()),
        "missing_rate": _ratio(samples.missing.sum(), total),
        "relatedness_sites": n_matrix_sites,
        "mendelian_checked": sum(row["snp_checked"] + row["indel_checked"] for row in trio_rows),
        "mendelian_violations": sum(row["snp_violations"] + row["indel_violations"] for row in trio_rows),
        "de_novo_candidates": int(samples.de_novo.sum()),
        "sex_mismatches": [row["sample"] for row in rows if row["sex_check"] == "MISMATCH"],
        "pedigree_mismatches": [
            f"{row['sample_1']} - {row['sample_2']}" for row in related if row["check"] not in ("", "ok")
        ],
    }


def _write_tsv(path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = ()) -> None:
    names = list(rows[0]) if rows else list(columns)
    lines = ["\t".join(names), *("\t".join(table_cell(str(row[name])) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
