"""Settings of the encoder; a model carries them, and refuses to run with others."""

from dataclasses import asdict, dataclass

from deepcohort.candidates.config import CandidatesConfig
from deepcohort.core.errors import DeepcohortError

# Raise whenever pixels or features of the same evidence change: models of another version are refused.
ENCODER_VERSION = 4

_MAX_PHASE_BP = 5_000  # reads of hidden copies mislead from farther (decision 219)

# One plane per channel, uint8. "covered" = columns the read's alignment (or its clipped tail) reaches.
CHANNELS = (
    "base",  # A 64, C 128, G 192, T 255, N 32; deleted columns 0
    "quality",  # 6 x min(phred, 42)
    "mapq",  # 4 x min(MAPQ, 60), covered columns
    "strand",  # forward 255, reverse 128, covered columns
    "support",  # REF 85, ALT 255, OTHER 170, NONE 40, covered columns
    "ratio",  # 128 + 30 x log10_ratio (cut at +-4), covered columns
    "mismatch",  # base differs from the reference 255, soft-clipped 100 (differs: 180)
    "indel",  # deleted column 120; base before an insertion 150 + 4 x min(bp, 26)
)


@dataclass(frozen=True, slots=True)
class PileupConfig:
    """Size of the picture.

    Attributes:
        rows: reads shown at most; deeper sites are sampled by name hash, ALT reads never lost.
        flank_bp: reference columns on each side of the candidate's POS.
        min_group_rows: rows kept for ALT reads, and for the others, when a site is sampled.
        phase_bp: reach of the features that look at haplotypes; candidates must be known so far.
    """

    rows: int = 32
    flank_bp: int = 16
    min_group_rows: int = 8
    phase_bp: int = CandidatesConfig().phase_bp

    def __post_init__(self) -> None:
        if not (4 <= self.rows <= 256 and 4 <= self.flank_bp <= 128):
            raise DeepcohortError(f"pileup of {self.rows} rows and {self.flank_bp} bp flanks is out of range")
        if not 1 <= self.min_group_rows <= self.rows // 2:
            raise DeepcohortError("min_group_rows must lie between 1 and half of rows")
        if not 0 <= self.phase_bp <= _MAX_PHASE_BP:
            raise DeepcohortError(f"phase_bp {self.phase_bp} is out of range; choose 0 to {_MAX_PHASE_BP}")

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return 2 * self.flank_bp + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of one picture."""
        return len(CHANNELS), self.rows, self.width


# Fragments of paired short reads reach some 400 bp; long reads know their haplotype from farther.
_PHASE_BP = {"hifi": 5_000, "ont": 5_000}


def pileup_for(platform: str) -> PileupConfig:
    """Settings for new models of a platform; models carry their own."""
    return PileupConfig(phase_bp=_PHASE_BP.get(platform, PileupConfig().phase_bp))


def encoder_signature(config: PileupConfig) -> dict[str, object]:
    """All that decides what pixels and features mean; equal signatures are interchangeable."""
    from deepcohort.pileup.features import FEATURE_NAMES

    return {
        "encoder_version": ENCODER_VERSION,
        "channels": list(CHANNELS),
        "features": list(FEATURE_NAMES),
        **asdict(config),
    }
