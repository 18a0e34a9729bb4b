"""One page of HTML about one sample: numbers and pictures, no other file needed, light and dark."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.report import samples_text as words
from deepcohort.report.page_plots import bars, curve
from deepcohort.report.reads import Facts, is_alarming, read_facts
from deepcohort.report.samples import CLASSES, call_numbers, change_classes, main_contigs, shares
from deepcohort.report.sex import sex_row

_MOST_TARGETS = 40
_STYLE = Path(__file__).with_name("page.css")


def write_pages(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write `folder`/SAMPLE.html of each sample of the facts; the files.

    Raises:
        DeepcohortError: see `read_facts`; or facts without coverage and calls.
    """
    samples = read_facts(paths)
    for facts in samples:
        if not facts.get("quality"):
            raise DeepcohortError(
                f"the facts of {facts['sample']} hold no coverage and calls; make them again with "
                "deepcohort merge --facts"
            )
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{facts['sample']}.html" for facts in samples]
    for facts, path in zip(samples, written, strict=True):
        with atomic_outputs(path) as [temporary]:
            temporary.write_text(page_of(facts), encoding="utf-8")
    return written


def page_of(facts: Facts) -> str:
    """The page as text."""
    name = html.escape(facts["sample"])
    parts = [_alarm(facts), _tiles(facts), '<div class="grid">', *_pictures(facts), "</div>"]
    parts += [
        '<div class="grid">',
        _library(facts),
        _checks(facts),
        "</div>",
        _libraries(facts),
        _contigs(facts),
        _targets(facts),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE.read_text()}</style></head>\n"
        f"<body><main><h1>{name}</h1><p>{html.escape(words.INTRODUCTION)}</p>\n"
        + "\n".join(part for part in parts if part)
        + f"\n<footer>deepcohort {__version__}, model {html.escape(facts['model'] or 'unknown')}</footer>"
        "</main></body></html>\n"
    )


def _alarm(facts: Facts) -> str:
    if not is_alarming(facts):
        return ""
    return (
        '<section class="alarm"><b>The reads are unlike those that the model was trained on.</b> Compare the '
        "calls with truth or another caller before you use them.</section>"
    )


def _number(value: float | None, form: str = ",.0f", unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _share(value: float | None, form: str = ".1f") -> str:
    return "-" if value is None else f"{100 * value:{form}} %"


def _tiles(facts: Facts) -> str:
    numbers, coverage = call_numbers(facts), facts["quality"]["coverage"]["all"]
    tiles = {
        "mean depth": _number(coverage["mean_depth"], ".1f", "x"),
        "bases of 20x": _share(coverage["at_least_20x"]),
        "callable": _share(coverage["callable"]),
        "SNPs": _number(numbers["snps"]),
        "indels": _number(numbers["indels"]),
        "Ti/Tv": _number(numbers["ti_tv"], ".2f"),
        "het/hom": _number(numbers["het_hom"], ".2f"),
        "contamination": _share(facts["quality"]["contamination"]["estimate"], ".2f"),
        "sex by depth": sex_row(facts)["inferred"] or "-",
    }
    cells = "".join(
        f'<div class="tile"><b>{value}</b><span>{name}</span></div>' for name, value in tiles.items()
    )
    return f'<div class="tiles">{cells}</div>'


def _section(title: str, text: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}<p>{text}</p></section>"


def _pictures(facts: Facts) -> list[str]:
    quality = facts["quality"]
    calls = quality["calls"]
    vaf = shares(calls["vaf"], 1 / (len(calls["vaf"]) - 1))
    lengths = {int(size): n for size, n in calls["indel_lengths"].items()}
    changes = change_classes(facts)
    indels = [(str(size), lengths.get(size, 0)) for size in range(-12, 13) if size]
    filters = [(name, facts["records"].get(name, 0)) for name in ("PASS", "LowQual", "Disputed", "RefCall")]
    return [
        _section(
            "Depth", words.DEPTHS, curve(shares(quality["coverage"]["depths"]), "depth (x)", "% of bases")
        ),
        _section("Share of ALT reads at 0/1", words.DISTRIBUTIONS, curve(vaf, "VAF", "% of records")),
        _section("GQ of the calls", "", curve(shares(calls["gq"]), "GQ", "% of records")),
        _section("Changes of base", words.CHANGES, bars([(name, changes[name]) for name in CLASSES])),
        _section("Indels by length (bp)", words.INDELS, bars(indels)),
        _section("Records by FILTER", words.FILTERS, bars(filters)),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _library(facts: Facts) -> str:
    library = facts["library"]
    if not library:
        return ""
    low, middle, high = library.get("Inserts") or (0, 0, 0)
    rows = [
        ("Median read length", _number(library.get("ReadLength"), ",.0f", " bp")),
        ("Mapped", _share((facts.get("reads") or {}).get("Mapped"), ".2f")),
        ("Marked duplicates", _share(library.get("Duplicates"), ".2f")),
        ("Copies that nobody marked", _share(library.get("Copies"), ".2f")),
        ("Reads of pairs", _share(library.get("Paired"))),
        ("Insert size, 5 - 50 - 95 %", f"{low:,} - {middle:,} - {high:,} bp" if high else "-"),
        ("Odd pairs", _share(library.get("OddPairs"), ".2f")),
        ("Median MAPQ", _number(library.get("TypicalMAPQ"))),
        ("Clipped", _share(library.get("Clipped"), ".2f")),
    ]
    text = f"{words.DUPLICATES}. {words.MAPPED}."
    return _section("Reads", text, _table(("", ""), rows))


def _libraries(facts: Facts) -> str:
    """Libraries of a sample that has several."""
    head = (
        "Library",
        "Of the reads",
        "Insert size, bp",
        "Odd pairs",
        "Median MAPQ",
        "Clipped",
        "Copies",
        "Judged by",
    )
    rows = []
    for library in facts.get("libraries", ()):
        inserts = library["Inserts"]
        rows.append(
            (
                str(library["ID"]),
                _share(library["Share"]),
                " - ".join(f"{bp:,}" for bp in inserts) if any(inserts) else "-",
                _share(library["OddPairs"], ".2f"),
                _number(library["TypicalMAPQ"]),
                _share(library["Clipped"], ".2f"),
                _share(library["Copies"], ".2f"),
                "its own reads" if library["Profile"] == "own" else "all reads",
            )
        )
    return _section("Libraries", words.LIBRARIES, _table(head, rows)) if rows else ""


def _checks(facts: Facts) -> str:
    found, sex = facts["quality"]["contamination"], sex_row(facts)
    library = facts["library"] or {}
    error = found["standard_error"]
    rows = [
        (
            "Contamination",
            _share(found["estimate"], ".2f") + (f" ± {100 * error:.2f}" if error is not None else ""),
        ),
        ("from homozygous SNPs", _number(found["sites"])),
        (
            "Allowed for in genotypes",
            _share(library.get("ContaminationGiven", library.get("Contamination", 0)), ".2f"),
        ),
        ("X over autosomes", _number(sex["x_depth"], ".2f")),
        ("Y over autosomes", _number(sex["y_depth"], ".2f")),
        ("Heterozygotes on X", _number(sex["x_het"])),
        ("Called as", sex["called_as"] or "-"),
        ("Sex check", sex["check"] or "-"),
    ]
    return _section("Contamination and sex", words.CHECKS, _table(("", ""), rows))


_COVERAGE_HEAD = ("bases", "depth", "≥ 10x", "≥ 20x", "≥ 30x", "callable")


def _coverage_cells(row: Mapping[str, Any]) -> list[str]:
    keys = ("at_least_10x", "at_least_20x", "at_least_30x", "callable")
    return [_number(row["bp"]), _number(row["mean_depth"], ".1f", "x"), *(_share(row[key]) for key in keys)]


def _contigs(facts: Facts) -> str:
    coverage = facts["quality"]["coverage"]
    rows = [("all", *_coverage_cells(coverage["all"]))]
    rows += [
        (name, *_coverage_cells(coverage["contigs"][name]))
        for name in main_contigs([facts])
        if name in coverage["contigs"]
    ]
    return _section("Coverage", words.COVERAGE, _table(("contig", *_COVERAGE_HEAD), rows))


def _targets(facts: Facts) -> str:
    targets = facts["quality"].get("targets")
    if not targets:
        return ""
    worst = sorted(
        targets["intervals"], key=lambda row: (row["callable"] is None, row["callable"], row["region"])
    )
    rows = [("all", "", *_coverage_cells(targets["all"]))]
    rows += [(row["name"], row["region"], *_coverage_cells(row)) for row in worst[:_MOST_TARGETS]]
    told = f"On target: {_share(targets['depth_share'])}. "
    told += f"The {len(rows) - 1} weakest of {len(worst):,} intervals are shown. "
    return _section("Targets", told + words.TARGETS, _table(("target", "region", *_COVERAGE_HEAD), rows))
