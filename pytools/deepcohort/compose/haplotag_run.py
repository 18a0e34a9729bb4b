"""What `deepcohort haplotag` and `deepcohort call --haplotag` do and tell."""

import sys

from deepcohort.compose.call_setup import PLATFORMS
from deepcohort.core.errors import DeepcohortError
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.run import TagRequest, haplotag

_MUCH_AGAINST = 0.1  # of reads that belong to their VCF it is a hundredth; of others', a third


def tag_reads(request: TagRequest, min_quality_phred: int = HaplotagConfig().min_quality_phred) -> None:
    """Tag as asked, and say on stderr what came of it.

    Raises:
        DeepcohortError: see `haplotag.run.haplotag`; an unknown platform.
    """
    if request.platform not in PLATFORMS:
        raise DeepcohortError(f"platform '{request.platform}' is unknown; choose from {', '.join(PLATFORMS)}")
    done = haplotag(request, HaplotagConfig(min_quality_phred=min_quality_phred))
    against = done.n_against / done.n_shown if done.n_shown else 0.0
    print(
        f"{request.output}: {done.n_tagged:,} of {done.n_reads:,} reads tagged; {against:.2%} of what they "
        "show is of the other haplotype",
        file=sys.stderr,
    )
    if not done.n_tagged:
        print(
            f"deepcohort: warning: {request.vcf} has no phased site that reads show; no read is tagged",
            file=sys.stderr,
        )
    if against > _MUCH_AGAINST:
        print(
            f"deepcohort: warning: reads contradict the phase of {request.vcf}; it may be of other reads",
            file=sys.stderr,
        )
