"""What the reads room hands on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.sequence import BASES
from deepcohort.reads.groups import LibraryKey

INSERT_BINS, BINS_PER_OCTAVE = 68, 4  # up to 2^17 bp; pairs farther apart are odd in every library
STANDARD_MAPQ = 60
LONG_READS_BP = 1_000  # reads of longer median length are long ones
LEAST_QUALITY = 10  # phred that a base needs to count, in the usual library


@dataclass(frozen=True, slots=True)
class StrandErrors:
    """A base that reads of one strand misread alike at some sites of a context.

    Attributes:
        context: 16 x base before + 4 x base + base behind, base codes of the reference's forward strand.
        alt: base code that is read. reverse: whether reverse reads err, not forward ones.
        sites: share of the context's sites that are so. error: of a base of other reads, for that ALT.
        heterozygotes: share of the context's sites that are heterozygous for it.
        shares: how often the share of the strand's reads that err is each of `reads.strand_errors.SHARES`.
    """

    context: int
    alt: int
    reverse: bool
    sites: float
    error: float
    heterozygotes: float
    shares: tuple[float, ...]

    @property
    def text(self) -> str:
        """`ACG-ATG`: the context and how it is read."""
        before, base, behind = (BASES[self.context // step % 4] for step in (16, 4, 1))
        return f"{before}{base}{behind}-{before}{BASES[self.alt]}{behind}"

    @property
    def strand(self) -> str:
        """Of the reads that err."""
        return "reverse" if self.reverse else "forward"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Which Cs a library's chemistry makes T on the strand that is sequenced, see `reads.conversion`.

    Attributes:
        cpg, elsewhere: share of the Cs that read as T, before G and before other bases; 0: as usual.
        is_swapped: first mates show the strand complementary to the one that was changed.
        is_told: which fragments show which strand; where they show either, nothing can be left out.
    """

    cpg: float = 0.0
    elsewhere: float = 0.0
    is_swapped: bool = False
    is_told: bool = True

    @property
    def contexts(self) -> tuple[bool, bool]:
        """Whether what may have been changed is left out, before G and elsewhere."""
        return self.is_told and self.cpg > 0, self.is_told and self.elsewhere > 0


@dataclass(frozen=True, slots=True)
class LibraryProfile:
    """The usual reads of a sample. The default stands for single reads of which nothing is known.

    Attributes:
        n_reads: reads looked at. read_length_bp: their median length.
        depth: x, of the stretches that the reads of each window cover.
        typical_mapq: their median MAPQ; this and better means "surely placed". best_mapq: 95 in 100 have
            no more.
        paired_share: of the reads. odd_share: of the paired ones, those whose pair is unusual.
        usual_inserts: bool (3, INSERT_BINS) as tuples: bins of log2 |TLEN| that are usual, by the
            orientation of the pair (facing in, facing out, same strand).
        insert_bp: 5 %, 50 %, 95 % quantiles of |TLEN| of usual pairs, 0 where there are none.
        clipped_share: reads soft-clipped by 5 bp or more (long ones count less, by how near that is).
        spliced_share: reads that skip some of the reference (N).
        duplicate_share: reads marked as duplicates, of those of the windows that are primary and mapped.
        copied_share: fragments that repeat another one's ends (duplicates that nobody marked).
        repeated_share: reads that the files have once more, bases and qualities alike; each counts once.
        left_out: of a sample, reasons why reads do not count and their shares (`reads.reasons`).
        drops_copies: whether such copies are left out: they are many, and not amplicons.
        qualities: phred values that at least one base in a thousand has; without any, the default.
        adapters: sorted 16-mers (2 bits a base) that return in clipped tails all over the genome; bases
            that they cover say nothing.
        runs: of runs of equal bases: (bp, reads that pass, reads that show it one base longer or shorter),
            each as often as it was seen, sorted.
        slips: of short reads (phred, how often it is the least in and beside a run of 1 to 5 bases, how often
            the run is one base longer or shorter then), sorted (`reads.slips`).
        lowered: (phred reported, phred that counts) of base qualities that promise materially more than
            the library keeps (`reads.qualities`), sorted; none in the usual library. Of long reads, those
            that mean other than in the platform's usual run, higher or lower (`reads.long_qualities`).
        raised: the same of base qualities most of which are too poor to count, though the library keeps more.
        drops_clips: whether bases clipped at reads' 5' and 3' ends are left out, as they were clipped on
            purpose (`reads.purpose`).
        least_quality: phred that a base needs to count. Below LEAST_QUALITY only where such bases are far
            better than they promise.
        vote_errors: wrong bases, of those that the copies of a fragment agree on; 0: not measured.
        mate_errors: wrong bases, of those that both mates agree on; 0: not measured, or few overlap.
        contamination: share of the reads that are another person's (`reads.contamination`); 0: none, or not
            told.
        unbalanced: how much likelier (ln) the alleles are read otherwise than one person's, half and half
            where there are two (`reads.contamination`); 0: as they should be, or `contamination` is told.
        conversion: of bases by the library's chemistry; what it may have changed says nothing.
        seen: of long reads (phred reported, bases, mismatches, those that variants would make), sorted.
        least: of long reads (phred, how often it is the least in and beside a run of bases), sorted.
        strand_errors: of long reads, what those of one strand misread alike (`reads.strand_errors`).
    """

    n_reads: int = 0
    read_length_bp: int = 0
    depth: float = 0.0
    typical_mapq: int = STANDARD_MAPQ
    best_mapq: int = STANDARD_MAPQ
    paired_share: float = 0.0
    odd_share: float = 0.0
    usual_inserts: tuple[tuple[bool, ...], ...] = ((True,) * INSERT_BINS,) * 3
    insert_bp: tuple[int, int, int] = (0, 0, 0)
    clipped_share: float = 0.0
    spliced_share: float = 0.0
    duplicate_share: float = 0.0
    copied_share: float = 0.0
    drops_copies: bool = False
    repeated_share: float = 0.0
    left_out: tuple[tuple[str, float], ...] = ()
    qualities: tuple[int, ...] = ()
    adapters: tuple[int, ...] = ()
    runs: tuple[tuple[int, int, int], ...] = ()
    slips: tuple[tuple[int, int, int], ...] = ()
    lowered: tuple[tuple[int, int], ...] = ()
    raised: tuple[tuple[int, int], ...] = ()
    drops_clips: tuple[bool, bool] = (False, False)
    least_quality: int = LEAST_QUALITY
    vote_errors: float = 0.0
    mate_errors: float = 0.0
    contamination: float = 0.0
    unbalanced: float = 0.0
    conversion: Conversion = Conversion()
    seen: tuple[tuple[int, int, int, float], ...] = ()
    least: tuple[tuple[int, int], ...] = ()
    strand_errors: tuple[StrandErrors, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether the reads are long ones."""
        return self.read_length_bp > LONG_READS_BP


UNKNOWN_LIBRARY = LibraryProfile()


@dataclass(frozen=True, slots=True)
class OwnLibrary:
    """One of several libraries of a sample.

    Attributes:
        key: of its read groups. name: for people, alike for no two of a sample.
        profile: of its reads alone. clips_ends: whether its aligner left ends that do not fit.
        is_apart: its profile is unlike that of all the sample's reads, so its reads are judged by it.
    """

    key: LibraryKey
    name: str
    profile: LibraryProfile
    clips_ends: bool = False
    is_apart: bool = False


def _no_positions() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


def _no_quals() -> NDArray[np.uint8]:
    return np.empty(0, dtype=np.uint8)


def no_libraries() -> NDArray[np.uint16]:
    """Of reads that are not told apart by library."""
    return np.empty(0, dtype=np.uint16)


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Usable reads of a region as a struct of arrays, R reads in (pos, name_hash, flag) order.

    Only reads that may be evidence are here: mapped, primary, not duplicate, not QC-fail, MAPQ at
    least the configured minimum. Reads of all read groups (and all files of a sample) are together.

    Attributes:
        pos, end: int64 (R,), 0-based half-open span on the reference.
        mapq: uint8 (R,), scaled so that the library's typical read has 60 (`reads.library.mapq_table`).
        flag: uint16 (R,), SAM FLAG.
        insert_size: int32 (R,), SAM TLEN.
        odd: uint8 (R,), 1 where the mate lies elsewhere than the library's pairs usually do.
        name_hash: uint64 (R,), 64-bit hash of QNAME; equal for mates.
        mate: int32 (R,), row of the mate in this batch, or -1.
        seq: uint8 flat, base codes (core.sequence), 4 = N.
        qual: uint8 flat, phred; absent qualities (0xff) are replaced by the configured default.
            A base that an overlapping mate already counts has qual 0 (each fragment votes once).
        seq_offset: int64 (R+1,); read i owns seq[seq_offset[i]:seq_offset[i+1]].
        cigar_op: uint8 flat, BAM op codes 0..6 (MIDNSHP; = and X are M, no two neighbours alike);
            cigar_len: int32 flat, bp.
        cigar_offset: int64 (R+1,).
        mapq0_pos, mapq0_end: int64 (Z,), spans of the reads left out because their MAPQ is 0
            (otherwise usable), ascending by pos; for AlleleCounts.mapq0.
        odd_share, clipped_share: of the library's paired reads that are odd, of its reads that are clipped.
        own_qual: uint8 flat, phred as `qual` before overlapping mates were settled. An indel is
            judged by flanks, of which a mate that ends within them must not take the half; there
            fragments vote once by `candidates.support.read_kernels`. Where not given: `qual`.
        library: uint16 (R,), number in `ReadsConfig.profiles`; empty where all reads have the first.
    """

    pos: NDArray[np.int64]
    end: NDArray[np.int64]
    mapq: NDArray[np.uint8]
    flag: NDArray[np.uint16]
    insert_size: NDArray[np.int32]
    odd: NDArray[np.uint8]
    name_hash: NDArray[np.uint64]
    mate: NDArray[np.int32]
    seq: NDArray[np.uint8]
    qual: NDArray[np.uint8]
    seq_offset: NDArray[np.int64]
    cigar_op: NDArray[np.uint8]
    cigar_len: NDArray[np.int32]
    cigar_offset: NDArray[np.int64]
    mapq0_pos: NDArray[np.int64] = field(default_factory=_no_positions)
    mapq0_end: NDArray[np.int64] = field(default_factory=_no_positions)
    odd_share: float = 0.0
    clipped_share: float = 0.0
    own_qual: NDArray[np.uint8] = field(default_factory=_no_quals)
    library: NDArray[np.uint16] = field(default_factory=no_libraries)

    def __post_init__(self) -> None:
        if len(self.own_qual) != len(self.qual):
            object.__setattr__(self, "own_qual", self.qual)

    def __len__(self) -> int:
        return len(self.pos)
