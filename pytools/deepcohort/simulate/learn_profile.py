"""deepcohort profile: real reads to a profile file."""

from pathlib import Path

from deepcohort.core.outputs import atomic_outputs
from deepcohort.simulate.binning import bin_qualities
from deepcohort.simulate.learn import gather_evidence, learn_illumina
from deepcohort.simulate.profile import save_profile


def learn_profile(
    bams: list[Path],
    reference: Path,
    output: Path,
    truth: Path | None = None,
    quality_bins: tuple[int, ...] = (),
) -> str:
    """Write the profile of `bams` to `output`; returns one line about it.

    With `quality_bins`, qualities are rounded to these values (binning.bin_qualities).

    Raises:
        DeepcohortError: unusable reads, reference or output folder.
    """
    evidence = gather_evidence(bams, reference, truth)
    profile = learn_illumina(evidence)
    if quality_bins:
        profile = bin_qualities(profile, quality_bins)
    with atomic_outputs(output) as (temporary,):
        save_profile(profile, temporary)
    n_reads = sum(int(e.use.sum()) for e in evidence)
    return f"{output}: learned from {n_reads} reads, {profile.read_length} cycles, {len(profile.quals)} qualities"
