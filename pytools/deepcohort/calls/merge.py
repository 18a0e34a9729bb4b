"""Shards of one VCF, gVCF or cohort VCF -> the file that one run without shards would have written."""

import datetime
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from deepcohort.calls.facts import RecordTally, check_sample, facts_of, facts_text, note_difference
from deepcohort.calls.quality import QualityTally, write_target_table
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.region import Region, merge_regions
from deepcohort.core.text import text_of
from deepcohort.core.vcf_constants import COVERED_AT
from deepcohort.formats.bed import read_bed
from deepcohort.formats.tabix import IndexedVcfWriter
from deepcohort.formats.vcf_check import LineChecker, checker_of
from deepcohort.formats.vcf_header import PHASE_PENDING, region_lines
from deepcohort.formats.vcf_text import Segment, VcfHeader, VcfTextReader
from deepcohort.phase.archive import EvidenceFile, open_evidence
from deepcohort.phase.phaser import Phaser, PhaseSource

_BAND = re.compile(r"##GVCFBlock.*minGQ=(\d+)\(inclusive\)")
_MAX_REGION_LINES = 1_000
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class ShardRegion:
    """A region that one input answers for."""

    region: Region
    reader: VcfTextReader


class BlockJoiner:
    """Joins reference blocks that were cut where two shards meet."""

    def __init__(self, header: VcfHeader) -> None:
        self._bands = sorted(int(m[1]) for line in header.lines if (m := _BAND.match(line)))

    def join(self, left: bytes, right: bytes) -> bytes | None:
        """One block line of two (without newline), or None where they are not one block."""
        a, b = left.split(b"\t"), right.split(b"\t")
        if len(a) != 10 or a[0] != b[0] or a[4] != b"<NON_REF>" or b[4] != b"<NON_REF>" or a[8] != b[8]:
            return None
        if not a[7].startswith(b"END=") or _end_of(a[7]) + 1 != int(b[1]):
            return None
        keys = a[8].split(b":")
        x, y = dict(zip(keys, a[9].split(b":"), strict=True)), dict(zip(keys, b[9].split(b":"), strict=True))
        if x[b"GT"] != y[b"GT"] or self._band(x) != self._band(y):
            return None
        pls = zip(x[b"PL"].split(b","), y[b"PL"].split(b","), strict=True)
        joined = {
            b"GT": x[b"GT"],
            b"DP": x[b"DP"],
            b"GQ": min(x[b"GQ"], y[b"GQ"], key=int),
            b"MIN_DP": min(x[b"MIN_DP"], y[b"MIN_DP"], key=int),
            b"PL": b",".join(min(pair, key=int) for pair in pls),
        }
        # GQ of the whole is that of the joined PLs, which may come from both halves
        others = [int(v) for v in joined[b"PL"].split(b",")[1:]]
        joined[b"GQ"] = str(min(*others, 99) if others else 0).encode()
        whole = _coverage_text(_coverage(a, x), _coverage(b, y), int(joined[b"MIN_DP"]))
        a[7] = b[7].split(b";")[0] + whole
        a[9] = b":".join(joined[k] for k in keys)
        return b"\t".join(a)

    def _band(self, sample: dict[bytes, bytes]) -> int:
        if b"." in sample[b"GT"]:
            return -1
        return sum(int(sample[b"GQ"]) >= low for low in self._bands)


def _end_of(info: bytes) -> int:
    return int(info.split(b";")[0][4:])


def _coverage(fields: list[bytes], sample: dict[bytes, bytes]) -> list[int]:
    """Bases of a block, the sum of their depths, and how many reach each of COVERED_AT."""
    bp = _end_of(fields[7]) - int(fields[1]) + 1
    _, _, told = fields[7].partition(b";COV=")
    depth = int(sample[b"MIN_DP"])
    total, *counts = map(int, told.split(b",")) if told else [bp * depth]
    above = iter(counts)
    return [bp, total, *(bp if depth >= at else next(above, 0) for at in COVERED_AT)]


def _coverage_text(a: list[int], b: list[int], min_dp: int) -> bytes:
    """INFO COV of two blocks joined, with the semicolon before it; empty where every base has MIN_DP."""
    bp, total, *counts = (x + y for x, y in zip(a, b, strict=True))
    if total == bp * min_dp:
        return b""
    told = [n for at, n in zip(COVERED_AT, counts, strict=True) if at > min_dp and n]
    return b";COV=" + b",".join(b"%d" % n for n in (total, *told))


class _MergedWriter:
    """Passes segments on; holds back the last line, which the next shard may continue."""

    def __init__(self, writer: IndexedVcfWriter, joiner: BlockJoiner) -> None:
        self._writer, self._joiner = writer, joiner
        self._held: tuple[str, bytes, tuple[int, int]] | None = None
        self.n_records = 0

    def write(self, segment: Segment, is_first_of_region: bool) -> None:
        if not len(segment.lines):
            return
        if self._held is not None and is_first_of_region and self._held[0] == segment.contig:
            stop = int(segment.lines[1, 2]) if len(segment.lines) > 1 else len(segment.text)
            joined = self._joiner.join(self._held[1][:-1], segment.text[: stop - 1])
            if joined is not None:
                span = (self._held[2][0], int(segment.lines[0, 1]))
                self._held = (segment.contig, joined + b"\n", span)
                segment = segment.part(1, len(segment.lines))
                if not len(segment.lines):
                    return
        self.flush()
        last = segment.part(len(segment.lines) - 1, len(segment.lines))
        self._held = (segment.contig, last.text, (int(last.lines[0, 0]), int(last.lines[0, 1])))
        rest = segment.part(0, len(segment.lines) - 1)
        self._writer.write_lines(rest.contig, rest.text, rest.lines)
        self.n_records += len(rest.lines)

    def flush(self) -> None:
        """Write the line held back."""
        if self._held is not None:
            contig, text, (start, end) = self._held
            self._writer.write_lines(contig, text, np.array([[start, end, 0]], dtype=np.int64))
            self.n_records += 1
            self._held = None


class PieceJoiner:
    """Joins pieces of one run, of regions that follow each other, as they come.

    For files that this very run has just written: they are not checked as those of `merge_shards` are.
    """

    def __init__(
        self,
        path: str | Path,
        header: str,
        contig_lengths: Mapping[str, int],
        phaser: Phaser | None = None,
    ) -> None:
        """Begin `path` with `header`, its text; `phaser`: of the pieces, which are not phased yet."""
        self._phaser = phaser
        self._writer = IndexedVcfWriter(path, contig_lengths)
        self._writer.write_header(header)
        self._merged: _MergedWriter | None = None

    def add(self, path: str | Path, regions: Sequence[Region]) -> None:
        """Append the records of the file `path`, which answers for `regions`."""
        reader = VcfTextReader(path)
        try:
            if self._merged is None:
                self._merged = _MergedWriter(self._writer, BlockJoiner(reader.header))
            for region in regions:
                _copy_region(ShardRegion(region, reader), self._merged, phaser=self._phaser)
            _check_exhausted([reader])
        finally:
            reader.close()

    def close(self) -> None:
        """Finish the file and its index."""
        if self._merged is not None:
            self._merged.flush()
        if self._phaser is not None:
            self._phaser.finish()
        self._writer.close()


def merge_shards(
    inputs: Sequence[str | Path],
    output: str | Path,
    shards: Sequence[Region] | None = None,
    facts: Path | None = None,
    targets: Path | None = None,
    target_table: Path | None = None,
    date: str = "",
    evidence: Sequence[Path] = (),
) -> int:
    """Write one indexed file of all inputs, in genome order whatever their order; returns records.

    The same bytes come out however the genome was cut: blocks cut at edges are joined, and the file
    is compressed anew.

    Args:
        inputs: outputs of `call` or `genotype`, one per shard.
        shards: regions that the inputs must answer for, exactly.
        facts: JSON file to write about the one sample of the inputs (`calls.facts`).
        targets: BED of intervals whose coverage stands in the facts, and as TSV in `target_table`.
        date: YYYYMMDD for the header's ##fileDate; "" for none, so that the bytes do not tell the day.
        evidence: files of `call --phase-evidence`, of just the shards that are merged.

    Raises:
        InputProblems: headers that differ, shards that overlap, are missing or were not asked for;
            each with the files or regions it concerns.
    """
    with ExitStack() as stack:
        readers = []
        for path in inputs:
            readers.append(VcfTextReader(path))
            stack.callback(readers[-1].close)
        header = readers[0].header
        check_headers(readers)
        rank = _rank(header)
        shard_regions = shard_regions_in_order(readers)
        check_shard_regions(shard_regions, shards)
        phaser = _phaser_of(readers, evidence)
        if facts:
            check_sample(header, readers[0].path)
        tally = quality = None
        if facts:
            wanted = read_bed(targets, header.contig_lengths).named() if targets else ()
            tally, quality = RecordTally(), QualityTally(wanted)
        finals = [output, *(path for path in (facts, target_table) if path)]
        with atomic_outputs(*finals, partners=(".tbi", ".csi")) as temporary:
            with IndexedVcfWriter(temporary[0], header.contig_lengths) as writer:
                writer.write_header(_merged_header(header, [reader.header for reader in readers], rank, date))
                merged = _MergedWriter(writer, BlockJoiner(header))
                for reader, regions in groupby(shard_regions, key=lambda x: x.reader):
                    checker = checker_of(reader, utf8=False)
                    for shard_region in regions:
                        checker.restart()
                        _copy_region(shard_region, merged, checker, tally, quality, phaser)
                merged.flush()
                if phaser is not None:
                    phaser.finish()
            _check_exhausted(readers)
            if tally and quality:
                found = facts_of(header, tally, readers[0].path, quality)
                temporary[1].write_text(facts_text(found))
                if target_table:
                    write_target_table(found["quality"], temporary[2])
    return merged.n_records


def _copy_region(
    shard_region: ShardRegion,
    merged: _MergedWriter,
    checker: LineChecker | None = None,
    tally: RecordTally | None = None,
    quality: QualityTally | None = None,
    phaser: Phaser | None = None,
) -> None:
    is_first = True
    for segment in shard_region.reader.take(shard_region.region):
        if checker is not None:
            checker.check(segment)
        if tally is not None:
            tally.add(segment)
        if quality is not None:
            quality.add(segment)
        merged.write(segment if phaser is None else phaser.apply(segment), is_first)
        is_first = False


def _merged_header(
    header: VcfHeader, headers: Sequence[VcfHeader], rank: dict[str, int], date: str = ""
) -> str:
    regions = sorted(
        merge_regions(r for h in headers for r in h.regions), key=lambda r: (rank[r.contig], r.start)
    )
    lines = [line for line in header.lines if line != PHASE_PENDING]
    if date:
        lines.insert(1, f"##fileDate={date}")
    if len(regions) <= _MAX_REGION_LINES:
        lines[-1:-1] = region_lines(regions)
    return "\n".join(lines) + "\n"


def _phaser_of(readers: Sequence[VcfTextReader], evidence: Sequence[Path]) -> Phaser | None:
    """What phases the records of `readers`, which have one header; None where they need none.

    Raises:
        InputProblems, DeepcohortError: evidence missing, not asked for, or of other shards or samples.
    """
    header = readers[0].header
    if PHASE_PENDING not in header.lines:
        if evidence:
            raise DeepcohortError(
                f"{readers[0].path} does not wait to be phased; leave out the phase evidence, or call with "
                "--phase-evidence"
            )
        return None
    if not evidence:
        raise DeepcohortError(
            f"{readers[0].path} is not phased yet; give the phase evidence that `deepcohort call` wrote "
            "beside each shard (--phase-evidence), or call with --no-phase"
        )
    files = [open_evidence(path) for path in evidence]
    _check_evidence(readers, files)
    return Phaser(PhaseSource(files, files[0].config))


def _check_evidence(readers: Sequence[VcfTextReader], files: Sequence[EvidenceFile]) -> None:
    """Raises InputProblems where `files` are not the evidence of just these shards and this sample."""
    sample = readers[0].header.samples[0]
    problems = [
        f"{file.path} is of sample {file.sample}, not {sample}" for file in files if file.sample != sample
    ]
    have = [region for file in files for region in file.regions]
    want = [region for reader in readers for region in reader.header.regions]
    if missing := list(_minus(want, have)):
        problems.append(f"no phase evidence answers for {_named(missing)}; give that of every shard")
    if extra := list(_minus(have, want)):
        problems.append(f"phase evidence answers for {_named(extra)}, which no input does")
    if len({file.config for file in files}) > 1:
        problems.append("shards were called with different --min-phase-quality; call all with one")
    if sum(map(len, have)) > sum(map(len, merge_regions(have))):
        problems.append("files of phase evidence overlap; give each once")
    if problems:
        raise InputProblems(problems)


def check_headers(readers: Sequence[VcfTextReader]) -> None:
    """Raises InputProblems where headers differ by more than regions."""
    first, problems = readers[0], []
    for reader in readers[1:]:
        if reader.header.lines == first.header.lines:
            continue
        pairs = zip(first.header.lines, reader.header.lines, strict=False)
        a, b = next(((a, b) for a, b in pairs if a != b), ("its end", "more lines"))
        how = note_difference(a, b) or f"'{a[:60]}' against '{b[:60]}'"
        problems.append(
            f"headers of {first.path} and {reader.path} differ: {how}; merge only shards of one run"
        )
    if problems:
        raise InputProblems(problems)


def shard_regions_in_order(readers: Sequence[VcfTextReader]) -> list[ShardRegion]:
    """What each input answers for: by its header, or else by its first and last record; in genome order."""
    shard_regions = []
    for reader in readers:
        regions: Sequence[Region] = reader.header.regions or _spans(reader.path)
        shard_regions += [ShardRegion(region, reader) for region in regions]
    rank = _rank(readers[0].header)
    return sorted(shard_regions, key=lambda one: (rank[one.region.contig], one.region.start))


def _rank(header: VcfHeader) -> dict[str, int]:
    return {name: i for i, name in enumerate(header.contig_lengths)}


def _spans(path: Path) -> list[Region]:
    reader = VcfTextReader(path)
    spans: dict[str, Region] = {}
    for segment in reader.segments():
        first, last = int(segment.lines[0, 0]), int(segment.lines[-1, 0]) + 1
        if segment.contig not in reader.header.contig_lengths:
            raise DeepcohortError(f"{path} has records on {segment.contig}, which its header does not list")
        known = spans.get(segment.contig)
        spans[segment.contig] = Region(segment.contig, known.start if known else first, last)
    reader.close()
    return list(spans.values())


def _named(regions: Sequence[Region]) -> str:
    more = f" and {len(regions) - _MAX_NAMED} more" if len(regions) > _MAX_NAMED else ""
    return ", ".join(str(region) for region in regions[:_MAX_NAMED]) + more


def check_shard_regions(shard_regions: Sequence[ShardRegion], shards: Sequence[Region] | None) -> None:
    """Raises InputProblems where pieces, in order, overlap, or are not what `shards` ask for."""
    problems = []
    for left, right in pairwise(shard_regions):
        if left.region.contig == right.region.contig and right.region.start < left.region.end:
            problems.append(
                f"{left.reader.path} ({left.region}) and {right.reader.path} ({right.region}) overlap; "
                "merge each shard once"
            )
    if shards is not None and not all(one.reader.header.regions for one in shard_regions):
        # their headers do not say what they answer for: only surplus records can be told
        outside = list(_minus([one.region for one in shard_regions], list(shards)))
        if outside:
            problems.append(f"inputs have records at {_named(outside)}, outside the shards")
    elif shards is not None:
        have, want = [one.region for one in shard_regions], list(shards)
        missing, extra = list(_minus(want, have)), list(_minus(have, want))
        if missing:
            problems.append(f"no input answers for {_named(missing)}; call these shards and merge again")
        if extra:
            problems.append(f"inputs answer for {_named(extra)}, which the shards do not list")
    if problems:
        raise InputProblems(problems)


def _minus(a: Sequence[Region], b: Sequence[Region]) -> Iterator[Region]:
    """Stretches of `a` that `b` does not hold."""
    holes: dict[str, list[Region]] = {}
    for hole in merge_regions(b):
        holes.setdefault(hole.contig, []).append(hole)
    for region in merge_regions(a):
        start = region.start
        here = holes.get(region.contig, [])
        for hole in here[bisect_right(here, start, key=lambda h: h.end) :]:
            if hole.start >= region.end:
                break
            if hole.start > start:
                yield Region(region.contig, start, hole.start)
            start = max(start, hole.end)
        if start < region.end:
            yield Region(region.contig, start, region.end)


def _check_exhausted(readers: Sequence[VcfTextReader]) -> None:
    for reader in readers:
        left = next(reader.segments(), None)
        if left is not None:
            raise DeepcohortError(
                f"{reader.path} has a record at {left.contig}:{left.lines[0, 0] + 1}, outside the regions "
                "that its header names; make it again"
            )


def _is_date(text: str) -> bool:
    try:
        datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return re.fullmatch(r"[0-9]{8}", text) is not None


def merge_files(
    inputs: Sequence[Path],
    input_list: Path | None,
    output: Path,
    shards: Path | None,
    facts: Path | None = None,
    targets: Path | None = None,
    target_table: Path | None = None,
    date: str = "",
    evidence: Sequence[Path] = (),
    evidence_list: Path | None = None,
) -> int:
    """`merge_shards` with files named on the command line or in a list, and shards as BED.

    Raises:
        DeepcohortError: options that do not fit; see `listed_inputs` and `merge_shards`.
    """
    if ((targets or target_table) and not facts) or (target_table and not targets):
        raise DeepcohortError("--targets goes with --facts, and --target-table with --targets; give them too")
    if date and not _is_date(date):
        raise DeepcohortError(f"--date {date!r} is no date; write YYYYMMDD")
    paths, wanted = listed_inputs(inputs, input_list, shards)
    told = [*evidence, *(_listed(evidence_list) if evidence_list is not None else ())]
    return merge_shards(paths, output, wanted, facts, targets, target_table, date, told)


def listed_inputs(
    inputs: Sequence[Path], input_list: Path | None, shards: Path | None
) -> tuple[list[Path], list[Region] | None]:
    """Files named on the command line or in a list, and the regions of a BED.

    Raises:
        DeepcohortError: no input, one given twice, an unreadable list or BED.
    """
    paths = [*inputs, *(_listed(input_list) if input_list is not None else ())]
    wanted = None if shards is None else read_bed(shards, None).regions()
    if not paths:
        raise DeepcohortError("nothing to merge; give --input or --input-list")
    repeated = sorted({str(path) for path in paths if paths.count(path) > 1})
    if repeated:
        raise DeepcohortError(f"{', '.join(repeated)} is given more than once; merge each shard once")
    return paths, wanted


def _listed(path: Path) -> list[Path]:
    """Files that `path` names, one per line."""
    return [Path(line) for line in text_of(path).splitlines() if line.strip()]
