"""Evidence, tensor and probabilities of one site, gathered for its picture."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.sample import settings_for
from deepcohort.candidates.types import ALLELE_ALT, ALLELE_OTHER, ALLELE_REF
from deepcohort.compose.call_shard import ChunkPreparer, PreparedChunk
from deepcohort.compose.io_haplotypes import haplotypes_near
from deepcohort.compose.job import job_for
from deepcohort.compose.show_types import GAP, OUTSIDE, DrawnRead, SitePicture
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region, parse_region
from deepcohort.core.sequence import decode_bases
from deepcohort.core.stages import StageTimer
from deepcohort.model.explain import Saliency, predict_of, saliency
from deepcohort.model.load import CascadePredictor, load_predictor
from deepcohort.paralogs.load import links_beside
from deepcohort.pileup.encode import encode_pixels
from deepcohort.reads.load import open_reads
from deepcohort.reads.types import ReadBatch

FLANK_BP = 30
_SITE = re.compile(r".+:[0-9,]+")
_ORDER = {ALLELE_ALT: 0, ALLELE_OTHER: 1, ALLELE_REF: 2}


def _lay_out(reads: ReadBatch, row: int, start: int, width: int, allele: int) -> DrawnRead:
    """Bases of one read by reference column, from its CIGAR."""
    codes = np.full(width, OUTSIDE, dtype=np.uint8)
    clipped = np.zeros(width, dtype=bool)
    inserted = []
    at, query = int(reads.pos[row]) - start, int(reads.seq_offset[row])
    for k in range(int(reads.cigar_offset[row]), int(reads.cigar_offset[row + 1])):
        op, length = int(reads.cigar_op[k]), int(reads.cigar_len[k])
        if op in (0, 7, 8, 4):
            first = at if op != 4 or query > reads.seq_offset[row] else at - length
            for i in range(max(0, -first), min(length, width - first)):
                codes[first + i] = reads.seq[query + i]
                clipped[first + i] = op == 4
        elif op == 1 and 0 < at <= width:
            inserted.append((at - 1, length))
        elif op == 2:
            codes[max(0, at) : max(0, min(width, at + length))] = GAP
        at += length if op in (0, 2, 3, 7, 8) else 0
        query += length if op in (0, 1, 4, 7, 8) else 0
    forward = not int(reads.flag[row]) & 0x10
    return DrawnRead(
        codes, clipped, tuple(inserted), allele, forward, int(reads.mapq[row]), int(reads.name_hash[row])
    )


def by_haplotype(picture: SitePicture, haplotypes: Mapping[int, int]) -> SitePicture:
    """`picture` with its reads by haplotype, those without one last; within one they stay in their order."""
    known = [replace(read, haplotype=haplotypes.get(read.name_hash, 0)) for read in picture.reads]
    reads = tuple(sorted(known, key=lambda read: read.haplotype or 1 << 30))
    return replace(picture, reads=reads, by_haplotype=True)


def _coverage(reads: ReadBatch, start: int, width: int) -> NDArray[np.int64]:
    """Reads with A, C, G, T, N or a gap at each column of the window, int64 (W, 6); no clipped bases."""
    counts = np.zeros((width, GAP + 1), dtype=np.int64)
    for row in np.flatnonzero((reads.pos < start + width) & (reads.end > start)).tolist():
        drawn = _lay_out(reads, row, start, width, -1)
        at = np.flatnonzero((drawn.codes != OUTSIDE) & ~drawn.clipped)
        counts[at, drawn.codes[at]] += 1
    return counts


def choose_row(chunk: PreparedChunk, pos: int, alt: str) -> int | None:
    """Row of the evidence's table with that POS (and ALT), the most seen; None if there is none.

    Raises:
        DeepcohortError: there is none with the ALT that was asked for.
    """
    table = chunk.evidence.table
    at = [int(r) for r in chunk.rows if table.pos[r] == pos]
    alts = {r: decode_bases(table.alt_seq[table.alt_offset[r] : table.alt_offset[r + 1]]) for r in at}
    chosen = [r for r in at if not alt or alts[r] == alt.upper()]
    if chosen:
        return max(chosen, key=lambda r: (int(table.ad[r, 1]), -r))
    if alt:
        told = f"its alternates are {', '.join(alts.values())}" if at else near_candidates(chunk, pos)
        raise DeepcohortError(f"{table.contig}:{pos + 1} is no candidate with ALT {alt}; {told}")
    return None


def near_candidates(chunk: PreparedChunk, pos: int) -> str:
    """Words on the candidates nearest to `pos`."""
    positions = {int(p) + 1 for p in chunk.evidence.table.pos[chunk.rows]}
    near = sorted(positions, key=lambda p: (abs(p - pos - 1), p))[:5]
    return f"candidates near: {', '.join(map(str, near))}" if near else "no candidate is near"


def prepare_site(
    reads: Sequence[Path], reference: Path, site: str, platform: str, model: str, flank_bp: int = FLANK_BP
) -> tuple[PreparedChunk, int, CascadePredictor]:
    """Evidence around a site as `call` sees it, its 0-based position, and the predictor.

    Raises:
        DeepcohortError: no such site; unreadable inputs or model.
    """
    with ReferenceFasta(reference) as fasta:
        lengths = fasta.contig_lengths
    if site in lengths or not _SITE.fullmatch(site):
        raise DeepcohortError(f"site '{site}' is no place; write CONTIG:POS, as in the VCF")
    where = parse_region(site, lengths)
    pos = where.start
    predictor = load_predictor(model, platform, "cpu")
    around = max(100, flank_bp + 30)
    region = Region(where.contig, max(0, pos - around), min(lengths[where.contig], pos + around + 1))
    settings = settings_for(reads, reference, platform)
    links = links_beside(reference, platform)
    job = job_for(reads, reference, [region], settings, links, predictor.config)
    preparer = ChunkPreparer(job, StageTimer())
    try:
        return preparer.prepare(region), pos, predictor
    finally:
        preparer.close()


def gather(
    reads: Sequence[Path],
    reference: Path,
    site: str,
    alt: str,
    platform: str,
    model: str,
    max_reads: int,
    flank_bp: int = FLANK_BP,
    may_lack_alt: bool = False,
) -> SitePicture:
    """Evidence of one site as `call` sees it, after realignment; reads alone where no candidate is.

    Raises:
        DeepcohortError: no candidate with that ALT, unless it may be lacking; unreadable inputs or model.
    """
    chunk, pos, predictor = prepare_site(reads, reference, site, platform, model, flank_bp)
    try:
        row = choose_row(chunk, pos, alt)
    except DeepcohortError:
        if not may_lack_alt:
            raise
        row = None
    if row is None:
        return _reads_alone(chunk, pos, max_reads, flank_bp, alt)

    def pixels_of(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return encode_pixels(chunk.evidence, chunk.codes, chunk.window, predictor.config, chunk.rows[rows])

    probabilities = predictor.predict_lazily(chunk.features, pixels_of)
    index = int(np.flatnonzero(chunk.rows == row)[0])
    pixels = pixels_of(np.array([index]))[0].copy()
    p = probabilities[index]
    cnn = predict_of(load_predictor(model, platform, "cpu", mode="cnn"))
    seen = saliency(cnn, chunk.features[index], pixels, int(p.argmax()))
    return _picture(chunk, row, pos, pixels, p, seen, max_reads, flank_bp)


def _reads_alone(chunk: PreparedChunk, pos: int, max_reads: int, flank_bp: int, alt: str) -> SitePicture:
    """The picture of a place where nothing was a candidate, or not that ALT: a missed variant, or none."""
    reads, window = chunk.evidence.reads, chunk.window
    start, stop = max(0, pos - flank_bp), min(window.end, pos + 1 + flank_bp)
    rows = np.flatnonzero((reads.pos <= pos) & (reads.end > pos)).tolist()
    step = max(1, -(-len(rows) // max_reads))
    drawn = tuple(_lay_out(reads, row, start, stop - start, -1) for row in rows[::step])
    contig = chunk.evidence.table.contig
    what = f"no candidate with ALT {alt}" if alt else "no candidate"
    title = f"{contig}:{pos + 1} is {what}   reads {len(rows)}   ({near_candidates(chunk, pos)})"
    return SitePicture(
        title,
        contig,
        start,
        pos,
        chunk.codes[start - window.start : stop - window.start],
        drawn,
        len(rows),
        coverage=_coverage(reads, start, stop - start),
    )


def _picture(
    chunk: PreparedChunk,
    row: int,
    pos: int,
    pixels: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    seen: Saliency,
    max_reads: int,
    flank_bp: int,
) -> SitePicture:
    table, support = chunk.evidence.table, chunk.evidence.support
    start = max(0, pos - flank_bp)
    stop = min(chunk.window.end, pos + int(table.ref_len[row]) + flank_bp)
    entries = range(int(support.offset[row]), int(support.offset[row + 1]))
    ordered = sorted(entries, key=lambda e: (_ORDER.get(int(support.allele[e]), 3), int(support.read[e])))
    step = max(1, -(-len(ordered) // max_reads))
    drawn = tuple(
        _lay_out(chunk.evidence.reads, int(support.read[e]), start, stop - start, int(support.allele[e]))
        for e in ordered[::step]
    )
    title = site_title(chunk, row, pos)
    reference = chunk.codes[start - chunk.window.start : stop - chunk.window.start]
    return SitePicture(
        title,
        table.contig,
        start,
        pos,
        reference,
        drawn,
        len(ordered),
        pixels,
        probabilities,
        seen,
        _coverage(chunk.evidence.reads, start, stop - start),
    )


def site_title(chunk: PreparedChunk, row: int, pos: int) -> str:
    """Place, alleles and depths of a candidate in one line."""
    table = chunk.evidence.table
    ref = decode_bases(chunk.codes[pos - chunk.window.start :][: table.ref_len[row]])
    alt = decode_bases(table.alt_seq[table.alt_offset[row] : table.alt_offset[row + 1]])
    return (
        f"{table.contig}:{pos + 1} {_short(ref)}>{_short(alt)}   DP {table.dp[row]}   "
        f"AD {table.ad[row, 0]},{table.ad[row, 1]}{'   realigned' if table.realigned[row] else ''}"
    )


def _short(allele: str) -> str:
    return allele if len(allele) <= 12 else f"{allele[:8]}..({len(allele)} bp)"


def by_sample(reads: Sequence[Path], reference: Path) -> dict[str, list[Path]]:
    """Files of each sample, in the order given; files without a sample's name are of one.

    Raises:
        DeepcohortError: a file cannot be read, or holds several samples.
    """
    files: dict[str, list[Path]] = {}
    for path in reads:
        with open_reads([path], reference) as source:
            names = source.sample_names
        if len(names) > 1:
            raise DeepcohortError(
                f"{path} holds {len(names)} samples ({', '.join(names[:3])}); split it by sample"
            )
        files.setdefault(names[0] if names else "", []).append(path)
    return files


def show_site(
    reads: Sequence[Path],
    reference: Path,
    site: str,
    output: Path,
    alt: str = "",
    platform: str = "illumina",
    model: str = "auto",
    max_reads: int = 60,
    flank_bp: int = FLANK_BP,
    haplotypes: bool = False,
) -> str:
    """Write the picture; returns a line per sample that says what the model thinks.

    Raises:
        DeepcohortError: see `gather`; or an unknown kind of picture.
    """
    from deepcohort.compose.show_drawing import check_kind, draw

    check_kind(output)
    pictures = gather_samples(
        by_sample(reads, reference), reference, site, alt, platform, model, max_reads, flank_bp, haplotypes
    )
    draw(pictures, output)
    return "\n".join(picture.line for picture in pictures)


def gather_samples(
    files: dict[str, list[Path]],
    reference: Path,
    site: str,
    alt: str,
    platform: str,
    model: str,
    max_reads: int,
    flank_bp: int,
    haplotypes: bool = False,
) -> list[SitePicture]:
    """The site in every sample; several share `max_reads`, and a sample without that ALT shows its reads.

    `haplotypes`: reads stand by their tag HP.

    Raises:
        DeepcohortError: see `gather`; no sample has that ALT.
    """
    share = max(5, max_reads // len(files))
    pictures = []
    several = len(files) > 1
    for name, paths in files.items():
        picture = gather(paths, reference, site, alt, platform, model, share, flank_bp, several)
        if haplotypes:
            place = Region(picture.contig, picture.start, picture.start + len(picture.reference))
            picture = by_haplotype(picture, haplotypes_near(paths, reference, place))
        pictures.append(replace(picture, sample=name if several else ""))
    if alt and all(picture.pixels is None for picture in pictures):
        raise DeepcohortError(f"{site} is no candidate with ALT {alt} in any of {len(files)} samples")
    return pictures
