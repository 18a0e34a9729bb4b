"""The profile of a sample's libraries, from windows fixed on its genome: the same whatever is called."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.copies import are_merged_twice, first_short_reads, repeated
from deepcohort.reads.libraries import WindowReads, sites_by_strand, strangers_in, with_profiles
from deepcohort.reads.load import ReadSource, open_reads
from deepcohort.reads.merge import take_reads
from deepcohort.reads.reasons import left_out_shares
from deepcohort.reads.strand_errors import hinted_cells, measure
from deepcohort.reads.types import UNKNOWN_LIBRARY
from deepcohort.reads.windows import MORE_WINDOWS, dense_windows, profile_windows

_DUPLICATE = 0x400
_FEW_READS = 600  # in a profile's windows: they lie among strays, or nothing is deep
_READ_BP = 500  # reads whose ends are searched for adapters without a clip end within


def _with_ends(window: Region, fasta: ReferenceFasta) -> Region:
    """`window` and where the reads that begin in it end, most of them."""
    end = min(fasta.contig_lengths.get(window.contig, window.end), window.end + _READ_BP)
    return Region(window.contig, window.start, end)


def profiled(paths: Sequence[str | Path], reference_path: str | Path, config: ReadsConfig) -> ReadsConfig:
    """`config` with the profile of the library of these files; raises as `open_reads` does."""
    return profile_of(paths, reference_path, config)[0]


def profile_of(
    paths: Sequence[str | Path], reference_path: str | Path, config: ReadsConfig
) -> tuple[ReadsConfig, list[Region]]:
    """`config` with the profiles of these files' libraries, and the windows that they were taken from."""
    with_duplicates = replace(
        config,
        library=UNKNOWN_LIBRARY,
        clips_ends=False,
        lays_unaligned=False,
        keeps_unaligned=True,
        libraries=(),
        excluded_flags=config.excluded_flags & ~_DUPLICATE,
    )
    with (
        open_reads(paths, reference_path, with_duplicates) as source,
        ReferenceFasta(reference_path) as fasta,
    ):
        keys = source.libraries
        if len(keys) > 1:
            source.tell_libraries({key: number for number, key in enumerate(keys)})
        windows, dense = profile_windows(source), None
        looked_at = _looked_at(source, fasta, windows)
        if _n_inside(looked_at) < _FEW_READS:
            dense = dense_windows(source)
            found = _looked_at(source, fasta, dense)
            if _n_inside(found) >= 2 * _n_inside(looked_at):
                windows, looked_at = dense, found
        first = [take_reads(w.columns, first_short_reads(w.columns)) for w in looked_at]
        is_twice = are_merged_twice(first)
        if is_twice:
            looked_at = [_once(source, window) for window in looked_at]
        repeated_share = source.n_repeated / max(source.n_fetched, 1)
        left_out = left_out_shares([window.reasons for window in looked_at])
        config = with_profiles(config, looked_at, keys)
        estimate = strangers_in(config, looked_at, keys)
        by_strand = sites_by_strand(config, looked_at, keys)
        if estimate.is_hint or hinted_cells(by_strand):
            lay = dense_windows if windows is dense else profile_windows
            more = _looked_at(source, fasta, lay(source, MORE_WINDOWS))
            more = [_once(source, window) for window in more] if is_twice else more
            estimate = strangers_in(config, more, keys)
            by_strand = sites_by_strand(config, more, keys)
    library = replace(
        config.library,
        repeated_share=repeated_share,
        left_out=left_out,
        contamination=estimate.told,
        unbalanced=estimate.unbalanced,
        strand_errors=measure(by_strand, hinted_cells(by_strand)),
    )
    own = tuple(
        replace(one, profile=replace(one.profile, repeated_share=repeated_share)) for one in config.libraries
    )
    return replace(config, library=library, libraries=own), windows


def _once(source: ReadSource, window: WindowReads) -> WindowReads:
    """`window` without reads that the files have twice, of any length."""
    again = repeated(window.columns, of_any_length=True)
    source.n_repeated += int(again.sum())
    kept = np.flatnonzero(~again)
    return replace(window, columns=take_reads(window.columns, kept), inside=window.inside[kept])


def _looked_at(source: ReadSource, fasta: ReferenceFasta, windows: Sequence[Region]) -> list[WindowReads]:
    found = []
    for window in windows:
        columns = source.fetch_columns(window)
        inside = (columns.pos >= window.start) & (columns.pos < window.end) & (columns.n_ops > 0)
        codes = fasta.fetch_codes(_with_ends(window, fasta))
        found.append(WindowReads(columns, inside, window.start, codes, source.reasons(window)))
    return found


def _n_inside(windows: Sequence[WindowReads]) -> int:
    return sum(int(window.inside.sum()) for window in windows)
