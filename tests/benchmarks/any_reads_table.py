"""Errors of callers on rows, summed over seeds, and the table of them."""

import json
from dataclasses import dataclass
from pathlib import Path

from any_reads_rows import Row

PEERS = ("bcftools", "freebayes", "gatk")
CALLERS = (*PEERS, "deepcohort")
SUMMED = ("deepcohort", "bcftools", "freebayes")  # callers of the sums under the table


@dataclass(frozen=True)
class Errors:
    """Of one caller on one row, by SNP and INDEL: (true records, missed, false); or why there are none."""

    truth: tuple[int, int] = (0, 0)
    missed: tuple[int, int] = (0, 0)
    false: tuple[int, int] = (0, 0)
    failure: str = ""

    def total(self, kind: int) -> int:
        """FN + FP of SNPs (0) or indels (1)."""
        return self.missed[kind] + self.false[kind]

    def __add__(self, other: "Errors") -> "Errors":
        """Both, of other reads; a failure of either is one of the sum."""
        sums = [
            (a[0] + b[0], a[1] + b[1])
            for a, b in (
                (self.truth, other.truth),
                (self.missed, other.missed),
                (self.false, other.false),
            )
        ]
        return Errors(*sums, self.failure or other.failure)


Found = dict[str, dict[int, Errors]]  # of one row: by caller and seed


def result_file(row: Row, work: Path, caller: str, tag: str) -> Path:
    """Where a caller's errors on a row of one seed are kept."""
    return work / "rows" / row.folder / f"{caller}{tag if caller == 'deepcohort' else ''}.json"


def kept_errors(rows: list[Row], work: Path, tag: str) -> dict[str, Found]:
    """Errors kept in `work` by name of row (of any seed), caller (ours as deepcohort) and seed."""
    found: dict[str, Found] = {row.name: {} for row in rows}
    for row in rows:
        for caller in CALLERS:
            path = result_file(row, work, caller, tag)
            if path.exists():
                fields = json.loads(path.read_text()).items()
                errors = Errors(**{k: v if k == "failure" else tuple(v) for k, v in fields})
                found[row.name].setdefault(caller, {})[row.seed] = errors
    return found


def summed(by_seed: dict[int, Errors], seeds: set[int]) -> Errors:
    """Sum over these seeds, which the caller has."""
    return sum((by_seed[seed] for seed in sorted(seeds)), Errors())


def shared(here: Found, *callers: str) -> set[int]:
    """Seeds of a row that all these callers have."""
    return set.intersection(*(set(here.get(caller, {})) for caller in callers))


def flags(row: Row, found: dict[str, Found]) -> list[str]:
    """Where ours is worse than a peer, or 1.5 times our row of bwa mem; a cliff is twice the peer (our row where no peer ran) and 10 more.

    Each comparison is over the seeds that both have.
    """
    here = found[row.name]
    ours = here.get("deepcohort")
    if not ours:
        return []
    if any(errors.failure for errors in ours.values()):
        return ["CLIFF no calls"]
    said = []
    for kind, name in enumerate(("SNP", "indel")):
        mine = summed(ours, set(ours)).total(kind)
        own = own_measure(row, found, kind)
        against = list(measures(here, kind)) or ([(mine, own)] if own is not None else [])
        if any(errors > 2 * measure + 10 for errors, measure in against):
            said.append(f"CLIFF {name}")
        elif any(errors > measure for errors, measure in measures(here, kind)):
            said.append(f"{name} > peer")
        if own is not None and mine > 1.5 * own:
            said.append(f"{name} > 1.5 bwa")
    return said


def measures(here: Found, kind: int) -> list[tuple[int, int]]:
    """(our errors, the peer's) of every peer that called, over the seeds that it and ours have."""
    pairs = []
    for peer in PEERS:
        seeds = shared(here, "deepcohort", peer)
        theirs = summed(here.get(peer, {}), seeds)
        if seeds and not theirs.failure:
            pairs.append((summed(here["deepcohort"], seeds).total(kind), theirs.total(kind)))
    return pairs


def own_measure(row: Row, found: dict[str, Found], kind: int) -> float | None:
    """Errors of our row of bwa mem, 1 at least, for as many true records as the row has; None without such a row."""
    theirs = found.get(row.base, {}).get("deepcohort", {})
    if row.base == row.name or not theirs:
        return None
    ours = found[row.name]["deepcohort"]
    base = summed(theirs, set(theirs) & set(ours) or set(theirs))
    if base.failure or not base.truth[kind]:
        return None
    # regions may be of other lengths
    return max(base.total(kind), 1) * summed(ours, set(ours)).truth[kind] / base.truth[kind]


def cell(by_seed: dict[int, Errors] | None, seeds: set[int]) -> str:
    """SNP / indel errors of one caller, with the seeds it has where they are not the row's."""
    if not by_seed:
        return "-"
    errors = summed(by_seed, set(by_seed))
    if errors.failure:
        return "no calls"
    note = "" if set(by_seed) == seeds else f" (seed {', '.join(map(str, sorted(by_seed)))})"
    return f"{errors.total(0)} / {errors.total(1)}{note}"


def table(rows: list[Row], found: dict[str, Found]) -> list[str]:
    """Markdown: a line for each row, then sums over the rows and seeds that all of SUMMED have."""
    callers = ("deepcohort", *PEERS)
    lines = ["| row | seeds | true SNP / indel | " + " | ".join(callers) + " | ours missed, false | flags |"]
    lines.append("|---" * (len(callers) + 5) + "|")
    flagged = {"CLIFF": 0, "> peer": 0, "> 1.5 bwa": 0}
    for row in rows:
        if not found[row.name]:
            continue
        said = flags(row, found)
        lines.append(line(row, found[row.name], said))
        for word in flagged:
            flagged[word] += any(word in s for s in said)
    lines += ["", sums([found[row.name] for row in rows])]
    absent = [row.name for row in rows if not found[row.name]]
    words = ", ".join(f"{n} {word}" for word, n in flagged.items())
    lines.append(f"Rows flagged: {words}, of {len(rows) - len(absent)}.")
    return lines + (["", f"Rows without calls: {', '.join(absent)}."] if absent else [])


def line(row: Row, here: Found, said: list[str]) -> str:
    """The row's line of the table; its seeds are ours, or where we have none those of any peer."""
    seeds = set(here.get("deepcohort", {})) or set.union(*map(set, here.values()))
    counted = next((e for e in here.values() if not summed(e, set(e)).failure and set(e) == seeds), {})
    truth, mine = summed(counted, set(counted)).truth, here.get("deepcohort", {})
    split, ours = "", summed(mine, set(mine))
    if mine and not ours.failure:
        split = f"{ours.missed[0]}, {ours.false[0]} / {ours.missed[1]}, {ours.false[1]}"
    cells = " | ".join(cell(here.get(caller), seeds) for caller in ("deepcohort", *PEERS))
    return f"| {row.name} | {len(seeds)} | {truth[0]} / {truth[1]} | {cells} | {split} | {'; '.join(said)} |"


def sums(rows: list[Found]) -> str:
    """Sums of each caller over the rows and seeds that all of SUMMED have, and of the best peer of each row."""
    totals, best, n_rows, n_sets = {c: [0, 0] for c in SUMMED}, [0, 0], 0, 0
    for here in rows:
        seeds = shared(here, *SUMMED)
        of = {c: summed(here[c], seeds) for c in here if seeds and seeds <= set(here[c])}
        of = {c: errors for c, errors in of.items() if not errors.failure}
        if not all(caller in of for caller in SUMMED):
            continue
        n_rows, n_sets = n_rows + 1, n_sets + len(seeds)
        for kind in (0, 1):
            best[kind] += min(errors.total(kind) for c, errors in of.items() if c in PEERS)
            for caller, total in totals.items():
                total[kind] += of[caller].total(kind)
    words = ", ".join(f"{c} {snp} / {indel}" for c, (snp, indel) in totals.items())
    words += f", best peer of each row {best[0]} / {best[1]}"
    return f"Sums over the {n_rows} rows ({n_sets} with their seeds) that deepcohort, bcftools and freebayes have: {words}."


def write_tsv(path: Path, rows: list[Row], found: dict[str, Found]) -> None:
    """One line for each row, caller, seed and type; flags are those of the row's sum."""
    with open(path, "w") as out:
        head = ("row", "caller", "seed", "type", "truth", "FN", "FP", "errors", "failure", "flags")
        print(*head, sep="\t", file=out)
        for row in rows:
            said = "; ".join(flags(row, found))
            for caller, by_seed in found[row.name].items():
                for seed, errors in by_seed.items():
                    for kind, name in enumerate(("SNP", "INDEL")):
                        counts = (
                            errors.truth[kind],
                            errors.missed[kind],
                            errors.false[kind],
                            errors.total(kind),
                        )
                        flag = said if caller == "deepcohort" else ""
                        print(row.name, caller, seed, name, *counts, errors.failure, flag, sep="\t", file=out)
