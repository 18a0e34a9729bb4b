#!/usr/bin/env python3
"""Does GQ mean what it says: errors that genotypes promise against errors found, by depth.

    accuracy.py planted --work DIR [--region chr20:2000001-4000000]
    gq_reliability.py --work DIR/planted [--callers deepcohort,gatk] [--table T.md] [--figure F.png]

Reads what `accuracy.py` left: calibration.tsv of each evaluation, one row per 10 phred of GQ of called
variants. Promised is the mean of 10^(-GQ/10); found is the share of calls that are wrong, with Wilson's
95 % interval. Calls of the two are alike where the promise lies in the interval.
"""

import argparse
import csv
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

TYPES = ("SNP", "INDEL")
_COLUMNS = ("calls", "promised_error", "observed_error", "observed_error_low", "observed_error_high")
_TOP = 40  # calls of more GQ are too few to tell decades apart, and go into one row of the table


@dataclass(frozen=True)
class Bin:
    """Calls of one type whose GQ is in a decade of phred; errors as shares of calls."""

    depth: str
    caller: str
    type: str
    gq_low: int
    calls: float
    promised: float
    found: float
    low: float
    high: float

    @property
    def fits(self) -> bool:
        """Whether what is promised lies within what was found, give or take chance."""
        return self.low <= self.promised <= self.high


def read_bins(work: Path, callers: list[str]) -> list[Bin]:
    """Bins of every evaluation in `work`, deepest set first."""
    bins = []
    for folder in work.glob("*.eval"):
        match = re.fullmatch(r"(?:planted|hg002)_(\d+)x\.([^.]+(?:\.[^.]+)?)\.eval", folder.name)
        if not match or match[2] not in callers or not (folder / "calibration.tsv").exists():
            continue
        with open(folder / "calibration.tsv") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                if row["type"] not in TYPES or not int(row["calls"]):
                    continue
                numbers = (float(row[c]) for c in _COLUMNS)
                bins.append(Bin(f"{match[1]}x", match[2], row["type"], int(row["gq_low"]), *numbers))
    order = {caller: i for i, caller in enumerate(callers)}
    return sorted(bins, key=lambda b: (order[b.caller], TYPES.index(b.type), -int(b.depth[:-1]), b.gq_low))


def wilson(wrong: float, n: float) -> tuple[float, float]:
    """95 % interval of a share."""
    z = 1.96
    middle, half = (
        (wrong + z * z / 2) / (n + z * z),
        z * (wrong * (n - wrong) / n + z * z / 4) ** 0.5 / (n + z * z),
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def joined(bins: list[Bin]) -> list[Bin]:
    """The bins, those of GQ 40 and more as one."""
    out: dict[tuple[str, str, str, int], Bin] = {}
    for b in bins:
        key = (b.depth, b.caller, b.type, min(b.gq_low, _TOP))
        if key in out:
            a = out[key]
            n = a.calls + b.calls
            found = (a.found * a.calls + b.found * b.calls) / n
            promised = (a.promised * a.calls + b.promised * b.calls) / n
            out[key] = replace(a, calls=n, promised=promised, found=found)
        else:
            out[key] = b
    for key, b in out.items():
        low, high = wilson(b.found * b.calls, b.calls)
        out[key] = replace(b, low=low, high=high)
    return list(out.values())


def table_of(bins: list[Bin]) -> str:
    """Markdown table."""
    lines = [
        "| caller | type | depth | GQ | calls | promised wrong | found wrong (95 %) | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for b in joined(bins):
        verdict = "" if b.fits else ("too sure" if b.promised < b.low else "too humble")
        lines.append(
            f"| {b.caller} | {b.type} | {b.depth} | {_range(b)} | {b.calls:.0f} | "
            f"{b.promised * b.calls:.1f} | {b.found * b.calls:.0f} ({b.low * b.calls:.1f}-"
            f"{b.high * b.calls:.1f}) | {verdict} |"
        )
    return "\n".join(lines) + "\n"


def _range(b: Bin) -> str:
    return f"{b.gq_low}-{b.gq_low + 9}" if b.gq_low < _TOP else f"{_TOP} or more"


def draw(bins: list[Bin], path: Path) -> None:
    """Promised against found error, one panel per type, one line per caller and depth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8, 4), sharex=True, sharey=True)
    for panel, kind in zip(panels, TYPES, strict=True):
        panel.plot([1e-5, 1], [1e-5, 1], color="0.7", lw=1)
        for style, caller in zip(("-", ":", "--", "-."), dict.fromkeys(b.caller for b in bins), strict=False):
            for colour, depth in enumerate(dict.fromkeys(b.depth for b in bins)):
                wanted = (caller, depth, kind)
                own = [b for b in joined(bins) if (b.caller, b.depth, b.type) == wanted and b.calls >= 20]
                # no error found is drawn at its upper limit, hollow
                x, y = [b.promised for b in own], [b.found or b.high for b in own]
                panel.plot(x, y, style, color=f"C{colour}", lw=1, label=f"{caller} {depth}")
                for b, at in zip(own, y, strict=True):
                    face = f"C{colour}" if b.found else "white"
                    panel.plot(b.promised, at, "o", ms=4, mfc=face, mec=f"C{colour}")
        panel.set(
            xscale="log", yscale="log", title=kind, xlabel="promised error", xlim=(1e-5, 1), ylim=(3e-4, 1)
        )
    panels[0].set_ylabel("found error (hollow: none, upper limit)")
    panels[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Parse, read, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of accuracy.py's evaluations")
    parser.add_argument("--callers", default="deepcohort,gatk")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    bins = read_bins(args.work, args.callers.split(","))
    if not bins:
        sys.exit(f"no evaluations of {args.callers} in {args.work}; run accuracy.py first")
    text = table_of(bins)
    print(text, end="")
    if args.table:
        args.table.write_text(text)
    if args.figure:
        draw(bins, args.figure)


if __name__ == "__main__":
    main()
