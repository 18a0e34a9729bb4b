"""Coverage and calls of each sample (`quality` of `deepcohort merge --facts`) as MultiQC content."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepcohort.core.escape import escaped
from deepcohort.core.genome import MITOCHONDRIAL_NAMES, sex_chromosome
from deepcohort.report import samples_text as words
from deepcohort.report.reads import Facts
from deepcohort.report.sex import sex_row

Section = dict[str, Any]
MOST_LINES = 100  # a plot with more lines shows nobody anything
_MOST_TARGETS, _MOST_CONTIGS = 100, 60
_LEAST_CONTIG_SHARE = 0.002  # of the called bases: alternate and unplaced contigs are not drawn
_PER_CENT = {"suffix": "%", "min": 0, "max": 100, "format": "{:,.1f}"}
_COUNT = {"format": "{:,.0f}", "min": 0}
_PALETTE = ("#2f6fb3", "#d1682b", "#3a8f6b", "#a3497c", "#7a6bc2", "#b8952c", "#4a9cb8", "#8c5b3f")
_CHANGES = {"T>C": "A>G", "G>A": "C>T", "T>G": "A>C", "T>A": "A>T", "G>T": "C>A", "G>C": "C>G"}
CLASSES = ("A>G", "C>T", "A>C", "A>T", "C>A", "C>G")


def write_samples(samples: Sequence[Facts], output: Path) -> list[Path]:
    """Write sections and General Statistics of the samples that have a `quality` part, to folder `output`."""
    samples = sorted((s for s in samples if s.get("quality")), key=lambda s: str(s["sample"]))
    if not samples:
        return []
    output.mkdir(parents=True, exist_ok=True)
    sections = {
        "calls": calls_table(samples),
        "genotypes": genotype_bars(samples),
        "filters": filter_bars(samples),
        "changes": change_bars(samples),
        "distributions": distributions(samples),
        "indels": indel_lines(samples),
        "coverage": coverage_table(samples),
        "depths": depth_lines(samples),
        "contigs": contig_lines(samples),
        "targets": target_table(samples),
        "weak_targets": weak_targets(samples),
        "checks": checks_table(samples),
    }
    written = [_write(output, "samples_general", general_statistics(samples))]
    return written + [
        _write(output, f"samples_{name}", {**_PARENT, **section})
        for name, section in sections.items()
        if section
    ]


_PARENT = {
    "parent_id": "deepcohort_samples",
    "parent_name": "Samples",
    "parent_description": words.INTRODUCTION,
}


def _write(folder: Path, name: str, content: Section) -> Path:
    path = folder / f"deepcohort_{name}_mqc.json"
    whole = {"id": f"deepcohort_{name}", **escaped(content)}
    path.write_text(json.dumps(whole, indent=1) + "\n")
    return path


def ratio(a: float, b: float) -> float | None:
    """a / b to four decimals, None where b is 0."""
    return round(a / b, 4) if b else None


def percent(value: float | None) -> float | None:
    """Per cent of a share."""
    return None if value is None else round(100 * value, 3)


def call_numbers(facts: Facts) -> dict[str, Any]:
    """Counts and ratios of a sample's PASS records."""
    calls = facts["quality"]["calls"]
    het, hom = calls["het_snp"] + calls["het_indel"], calls["hom_snp"] + calls["hom_indel"]
    return {
        "snps": facts["called"]["snp"],
        "indels": facts["called"]["indel"],
        "ti_tv": ratio(calls["ti"], calls["tv"]),
        "het_hom": ratio(het, hom),
        "het_hom_snp": ratio(calls["het_snp"], calls["hom_snp"]),
        "ins_del": ratio(calls["insertions"], calls["deletions"]),
        "insertions": calls["insertions"],
        "deletions": calls["deletions"],
        "multiallelic": calls["multiallelic"],
        "haploid": calls["haploid"],
    }


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _table(
    samples: Sequence[Facts],
    title: str,
    description: str,
    headers: dict[str, dict[str, Any]],
    row: Callable[[Facts], dict[str, Any]],
) -> Section:
    return {
        "section_name": title,
        "description": description,
        "plot_type": "table",
        "pconfig": {
            "id": f"{title.lower().replace(' ', '_')}_samples",
            "title": title,
            "namespace": "deepcohort",
        },
        "headers": headers,
        "data": {facts["sample"]: _known(row(facts)) for facts in samples},
    }


_STATISTICS: dict[str, dict[str, Any]] = {
    "mean_depth": {
        "title": "Depth",
        "description": words.DEPTH,
        "suffix": "x",
        "format": "{:,.1f}",
        "scale": "Greens",
    },
    "at_least_20x": {
        "title": "≥ 20x",
        "description": "Called bases of 20x or more",
        **_PER_CENT,
        "scale": "RdYlGn",
    },
    "callable": {"title": "Callable", "description": words.CALLABLE, **_PER_CENT, "scale": "RdYlGn"},
    "snps": {"title": "SNPs", "description": "PASS records of SNPs alone", **_COUNT, "scale": "Blues"},
    "indels": {
        "title": "Indels",
        "description": "PASS records with an indel",
        **_COUNT,
        "scale": "Purples",
    },
    "ti_tv": {"title": "Ti/Tv", "description": words.TI_TV, "format": "{:,.2f}", "min": 0, "max": 4},
    "het_hom": {
        "title": "Het/hom",
        "description": words.HET_HOM,
        "format": "{:,.2f}",
        "min": 0,
        "max": 4,
    },
    "duplicates": {"title": "Duplicates", "description": words.DUPLICATES, **_PER_CENT, "scale": "OrRd"},
    "mapped": {
        "title": "Mapped",
        "description": words.MAPPED,
        **_PER_CENT,
        "scale": "RdYlGn",
        "hidden": True,
    },
    "insert": {
        "title": "Insert",
        "description": words.INSERT,
        "suffix": "bp",
        "format": "{:,.0f}",
        "hidden": True,
    },
    "contamination": {
        "title": "Contam.",
        "description": words.CONTAMINATION_SHORT,
        **_PER_CENT,
        "max": 10,
        "format": "{:,.2f}",
        "scale": "OrRd",
    },
    "sex": {"title": "Sex", "description": "From the depth of X and Y, or from heterozygotes of X"},
}


def _statistics_row(facts: Facts) -> dict[str, Any]:
    numbers, coverage = call_numbers(facts), facts["quality"]["coverage"]["all"]
    library = facts["library"] or {}
    inserts = library.get("Inserts") or [0, 0, 0]
    return _known(
        {
            "mean_depth": coverage["mean_depth"],
            "at_least_20x": percent(coverage["at_least_20x"]),
            "callable": percent(coverage["callable"]),
            **{key: numbers[key] for key in ("snps", "indels", "ti_tv", "het_hom")},
            "duplicates": percent(library.get("Duplicates")),
            "mapped": percent((facts.get("reads") or {}).get("Mapped")),
            "insert": inserts[1] or None,
            "contamination": percent(facts["quality"]["contamination"]["estimate"]),
            "sex": sex_row(facts)["inferred"] or None,
        }
    )


def general_statistics(samples: Sequence[Facts]) -> Section:
    """The columns of the report's first table."""
    return {
        "plot_type": "generalstats",
        "headers": [{key: {**header, "namespace": "deepcohort"}} for key, header in _STATISTICS.items()],
        "data": {facts["sample"]: _statistics_row(facts) for facts in samples},
    }


def calls_table(samples: Sequence[Facts]) -> Section:
    """Counts and ratios of PASS records."""
    two: dict[str, Any] = {"format": "{:,.3f}", "min": 0, "max": 4}
    headers: dict[str, dict[str, Any]] = {
        "snps": {"title": "SNPs", **_COUNT, "scale": "Blues"},
        "indels": {"title": "Indels", **_COUNT, "scale": "Purples"},
        "ti_tv": {"title": "Ti/Tv", "description": words.TI_TV, **two},
        "het_hom": {"title": "Het/hom", "description": words.HET_HOM, **two},
        "het_hom_snp": {"title": "Het/hom, SNPs", "description": words.HET_HOM, **two, "hidden": True},
        "ins_del": {"title": "Ins/del", "description": "Insertions over deletions", **two},
        "insertions": {"title": "Insertions", **_COUNT, "hidden": True},
        "deletions": {"title": "Deletions", **_COUNT, "hidden": True},
        "multiallelic": {"title": "Two ALTs", "description": "Genotypes of two different ALTs", **_COUNT},
        "haploid": {"title": "Haploid", "description": "Calls where the sample has one copy", **_COUNT},
    }
    return _table(samples, "Calls", words.CALLS, headers, call_numbers)


def _bars(
    samples: Sequence[Facts],
    title: str,
    description: str,
    categories: Mapping[str, str],
    row: Callable[[Facts], Mapping[str, int]],
) -> Section:
    colours = {
        key: {"name": name, "color": _PALETTE[i % 8]} for i, (key, name) in enumerate(categories.items())
    }
    return {
        "section_name": title,
        "description": description,
        "plot_type": "bargraph",
        "pconfig": {
            "id": f"deepcohort_samples_{title.lower().replace(' ', '_')}",
            "title": f"Samples: {title.lower()}",
            "ylab": "Records",
        },
        "categories": colours,
        "data": {facts["sample"]: dict(row(facts)) for facts in samples},
    }


def genotype_bars(samples: Sequence[Facts]) -> Section:
    """SNPs and indels, heterozygous and homozygous."""
    names = {
        "het_snp": "SNP, heterozygous",
        "hom_snp": "SNP, homozygous",
        "het_indel": "Indel, heterozygous",
        "hom_indel": "Indel, homozygous",
        "haploid": "Haploid",
    }
    return _bars(
        samples,
        "Genotypes",
        words.GENOTYPES,
        names,
        lambda f: {key: f["quality"]["calls"][key] for key in names},
    )


def filter_bars(samples: Sequence[Facts]) -> Section:
    """Records of the gVCF by FILTER."""
    names = {name: name for name in ("PASS", "LowQual", "Disputed", "RefCall", "other")}
    return _bars(
        samples, "Filters", words.FILTERS, names, lambda f: {key: f["records"].get(key, 0) for key in names}
    )


def change_classes(facts: Facts) -> dict[str, int]:
    """SNPs by change of base, both strands together."""
    found = dict.fromkeys(CLASSES, 0)
    for change, count in facts["quality"]["calls"]["changes"].items():
        found[_CHANGES.get(change, change)] += count
    return found


def change_bars(samples: Sequence[Facts]) -> Section:
    """SNPs by change of base."""
    # without `>`, which is escaped in data, but not in the names of categories
    names = {name.replace(">", "_to_"): name.replace(">", "→") for name in CLASSES}
    return _bars(
        samples,
        "Changes of base",
        words.CHANGES,
        {key: f"{name} (transition)" if key in ("A_to_G", "C_to_T") else name for key, name in names.items()},
        lambda facts: {name.replace(">", "_to_"): n for name, n in change_classes(facts).items()},
    )


def shares(counts: Sequence[int], step: float = 1.0, last_open: bool = False) -> list[list[float]]:
    """[x, per cent of the total] of counts by equal steps of x; the last bin may hold all beyond it."""
    total = sum(counts)
    used = counts[:-1] if last_open and len(counts) > 1 else counts
    return [[round(i * step, 4), round(100 * n / total, 4)] for i, n in enumerate(used)] if total else []


def _lines(
    samples: Sequence[Facts],
    title: str,
    description: str,
    config: Mapping[str, Any],
    sets: Sequence[dict[str, Any]],
) -> Section:
    sets = [{name: line for name, line in lines.items() if line} for lines in sets]
    if not any(sets):
        return {}
    if len(samples) > MOST_LINES:
        description += f" The first {MOST_LINES} samples by name are drawn."
    return {
        "section_name": title,
        "description": description,
        "plot_type": "linegraph",
        "pconfig": {
            "id": f"deepcohort_samples_{title.lower().replace(' ', '_')}",
            "title": f"Samples: {title.lower()}",
            "showlegend": len(samples) <= 12,
            # MultiQC's own second colour is black, which dark mode hides
            "colors": {facts["sample"]: _PALETTE[i % len(_PALETTE)] for i, facts in enumerate(samples)},
            "ymin": 0,
            **config,
        },
        "data": list(sets) if len(sets) > 1 else sets[0],
    }


def distributions(samples: Sequence[Facts]) -> Section:
    """GQ, DP, VAF and QUAL of PASS records."""
    shown = samples[:MOST_LINES]
    calls = {facts["sample"]: facts["quality"]["calls"] for facts in shown}
    sets = [
        {name: shares(own["gq"]) for name, own in calls.items()},
        {name: shares(own["dp"]) for name, own in calls.items()},
        {name: shares(own["vaf"], 1 / (len(own["vaf"]) - 1)) for name, own in calls.items()},
        {name: shares(own["qual"]) for name, own in calls.items()},
    ]
    labels = [
        {"name": "GQ", "xlab": "GQ"},
        {"name": "DP", "xlab": "DP (reads)"},
        {"name": "VAF, heterozygotes", "xlab": "Share of ALT reads at 0/1"},
        {"name": "QUAL", "xlab": "QUAL"},
    ]
    config = {"xlab": "GQ", "ylab": "Records (%)", "data_labels": labels}
    return _lines(samples, "Distributions", words.DISTRIBUTIONS, config, sets)


def indel_lines(samples: Sequence[Facts]) -> Section:
    """Indels by length, deletions negative."""
    lines = {}
    for facts in samples[:MOST_LINES]:
        found = {int(size): n for size, n in facts["quality"]["calls"]["indel_lengths"].items()}
        lines[facts["sample"]] = (
            [[size, found.get(size, 0)] for size in range(-30, 31) if size] if found else []
        )
    config = {"xlab": "Length (bp), deletions negative", "ylab": "Indels", "xmin": -30, "xmax": 30}
    return _lines(samples, "Indels called", words.INDELS, config, [lines])


def coverage_table(samples: Sequence[Facts]) -> Section:
    """Mean depth and shares of bases."""
    headers: dict[str, dict[str, Any]] = {
        "bp": {
            "title": "Called",
            "description": "Bases that were called",
            "suffix": " Mb",
            "format": "{:,.2f}",
        },
        "mean_depth": {
            "title": "Mean depth",
            "suffix": "x",
            "format": "{:,.1f}",
            "min": 0,
            "scale": "Greens",
        },
        **{
            f"at_least_{x}x": {
                "title": f"≥ {x}x",
                "description": f"Bases of {x}x or more",
                **_PER_CENT,
                "scale": "RdYlGn",
            }
            for x in (10, 20, 30)
        },
        "callable": {"title": "Callable", "description": words.CALLABLE, **_PER_CENT, "scale": "RdYlGn"},
    }
    return _table(
        samples,
        "Coverage",
        words.COVERAGE,
        headers,
        lambda f: coverage_cells(f["quality"]["coverage"]["all"]),
    )


def coverage_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of coverage as it is shown: Mb, depth and per cents."""
    cells = {"bp": round(row["bp"] / 1e6, 4), "mean_depth": row["mean_depth"]}
    return cells | {
        key: percent(row[key]) for key in ("at_least_10x", "at_least_20x", "at_least_30x", "callable")
    }


def depth_lines(samples: Sequence[Facts]) -> Section:
    """Share of the bases by depth, and at least that deep."""
    exact, at_least = {}, {}
    for facts in samples[:MOST_LINES]:
        line = shares(facts["quality"]["coverage"]["depths"])
        exact[facts["sample"]] = line
        left, cumulative = 100.0, []
        for depth, share in line:
            cumulative.append([depth, round(max(left, 0.0), 4)])
            left -= share
        at_least[facts["sample"]] = cumulative
    config = {
        "xlab": "Depth (x)",
        "ylab": "Bases (%)",
        "data_labels": [{"name": "At this depth"}, {"name": "At least this deep"}],
    }
    return _lines(samples, "Depth", words.DEPTHS, config, [exact, at_least])


def main_contigs(samples: Sequence[Facts]) -> list[str]:
    """Contigs that hold a good part of the called bases, or are X, Y and M, in their order."""
    found: dict[str, float] = {}
    for facts in samples:
        coverage = facts["quality"]["coverage"]
        for name, row in coverage["contigs"].items():
            small = bool(sex_chromosome(name)) or name in MITOCHONDRIAL_NAMES
            share = 1.0 if small else row["bp"] / max(coverage["all"]["bp"], 1)
            found[name] = max(found.get(name, 0.0), share)
    return [name for name, share in found.items() if share >= _LEAST_CONTIG_SHARE][:_MOST_CONTIGS]


def contig_lines(samples: Sequence[Facts]) -> Section:
    """Mean depth and callable share of each contig."""
    names = main_contigs(samples)
    if len(names) < 2:
        return {}
    sets: list[dict[str, list[list[Any]]]] = [{}, {}]
    for facts in samples[:MOST_LINES]:
        rows = facts["quality"]["coverage"]["contigs"]
        for lines, key, factor in zip(sets, ("mean_depth", "callable"), (1, 100), strict=True):
            values = [(name, rows.get(name, {}).get(key)) for name in names]
            lines[facts["sample"]] = [[name, round(factor * v, 3)] for name, v in values if v is not None]
    config = {
        "categories": True,
        "style": "lines+markers",
        "xlab": "Contig",
        "ylab": "Mean depth (x)",
        "data_labels": [
            {"name": "Mean depth", "ylab": "Mean depth (x)"},
            {"name": "Callable", "ylab": "Callable bases (%)"},
        ],
    }
    return _lines(samples, "Contigs", words.CONTIGS, config, sets)


def target_table(samples: Sequence[Facts]) -> Section:
    """Coverage of the targets together."""
    samples = [facts for facts in samples if facts["quality"].get("targets")]
    if not samples:
        return {}
    headers: dict[str, dict[str, Any]] = {
        "bp": {
            "title": "Targets",
            "description": "Bases of the targets, each once",
            "suffix": " Mb",
            "format": "{:,.3f}",
        },
        "mean_depth": {
            "title": "Mean depth",
            "suffix": "x",
            "format": "{:,.1f}",
            "min": 0,
            "scale": "Greens",
        },
        **{f"at_least_{x}x": {"title": f"≥ {x}x", **_PER_CENT, "scale": "RdYlGn"} for x in (10, 20, 30)},
        "callable": {"title": "Callable", "description": words.CALLABLE, **_PER_CENT, "scale": "RdYlGn"},
        "on_target": {"title": "On target", "description": words.ON_TARGET, **_PER_CENT, "scale": "Blues"},
    }

    def row(facts: Facts) -> dict[str, Any]:
        targets = facts["quality"]["targets"]
        return {**coverage_cells(targets["all"]), "on_target": percent(targets["depth_share"])}

    return _table(samples, "Targets", words.TARGETS, headers, row)


def weak_targets(samples: Sequence[Facts]) -> Section:
    """The targets of which least is callable, over all samples."""
    found: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    for facts in samples:
        has_y = (facts.get("sex") or {}).get("Sex") != "XX"
        for row in (facts["quality"].get("targets") or {}).get("intervals", []):
            on_y = sex_chromosome(row["region"].rpartition(":")[0]) == "Y"
            if row["callable"] is not None and (has_y or not on_y):
                here = found.setdefault((row["name"], row["region"]), [])
                here.append((row["callable"], row["mean_depth"], facts["sample"]))
    if not found:
        return {}
    worst = sorted(found.items(), key=lambda item: (min(item[1])[0], item[0]))[:_MOST_TARGETS]
    data = {}
    for number, ((name, region), rows) in enumerate(worst, start=1):
        least = min(rows)
        data[f"{number}"] = {
            "name": name,
            "region": region,
            "least": percent(least[0]),
            "sample": least[2],
            "mean": percent(sum(r[0] for r in rows) / len(rows)),
            "depth": round(sum(r[1] for r in rows) / len(rows), 2),
        }
    return {
        "section_name": "Weakest targets",
        "description": words.WEAK_TARGETS.format(n=len(found), shown=len(worst)),
        "plot_type": "table",
        "pconfig": {
            "id": "deepcohort_samples_weak_targets_table",
            "title": "Weakest targets",
            "namespace": "deepcohort",
            "col1_header": "Rank",
            "sort_rows": False,
            "no_violin": True,
        },
        "headers": {
            "name": {"title": "Target"},
            "region": {"title": "Region"},
            "least": {"title": "Callable, least", **_PER_CENT, "scale": "RdYlGn"},
            "sample": {"title": "in sample"},
            "mean": {"title": "Callable, mean", **_PER_CENT, "scale": "RdYlGn"},
            "depth": {"title": "Mean depth", "suffix": "x", "format": "{:,.1f}", "scale": "Greens"},
        },
        "data": data,
    }


def checks_table(samples: Sequence[Facts]) -> Section:
    """Contamination and sex."""
    headers: dict[str, dict[str, Any]] = {
        "contamination": {
            "title": "Contamination",
            **_PER_CENT,
            "max": 10,
            "format": "{:,.2f}",
            "scale": "OrRd",
            "description": "Reads of another person, estimated",
        },
        "error": {
            "title": "±",
            "description": "Standard error",
            "suffix": "%",
            "format": "{:,.2f}",
            "scale": False,
        },
        "sites": {
            "title": "from sites",
            "description": "Confident homozygous SNPs",
            **_COUNT,
            "scale": False,
        },
        "x_depth": {
            "title": "X",
            "description": "Depth of X over that of autosomes",
            "format": "{:,.2f}",
            "min": 0,
            "max": 1.2,
        },
        "y_depth": {
            "title": "Y",
            "description": "Depth of Y over that of autosomes",
            "format": "{:,.2f}",
            "min": 0,
            "max": 1.2,
        },
        "x_het": {"title": "X het", "description": "Heterozygotes on X", **_COUNT, "scale": False},
        "called_as": {"title": "Called as", "description": "Sex whose ploidy the calls have"},
        "inferred": {"title": "Reads say", "description": "Sex by the depth of X and Y in the calls"},
        "check": {
            "title": "Sex check",
            "cond_formatting_rules": {"pass": [{"s_eq": "ok"}], "fail": [{"s_eq": "MISMATCH"}]},
        },
    }

    def row(facts: Facts) -> dict[str, Any]:
        found = facts["quality"]["contamination"]
        sex = {key: None if value == "" else value for key, value in sex_row(facts).items()}
        return {
            "contamination": percent(found["estimate"]),
            "error": percent(found["standard_error"]),
            "sites": found["sites"],
            **sex,
        }

    return _table(samples, "Contamination and sex", words.CHECKS, headers, row)
