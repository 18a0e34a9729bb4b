"""deepcohort profile: real reads to a profile file."""

from pathlib import Path

import numpy as np

from deepcohort.core.outputs import atomic_outputs
from deepcohort.simulate.binning import bin_qualities, stretch_cycles
from deepcohort.simulate.learn import gather_evidence, learn_illumina
from deepcohort.simulate.learn_long import learn_long
from deepcohort.simulate.profile import Profile, save_profile

MAX_SHORT_BP = 400


def learn_profile(
    bams: list[Path],
    reference: Path,
    output: Path,
    truth: Path | None = None,
    quality_bins: tuple[int, ...] = (),
    cycles: int = 0,
) -> str:
    """Write the profile of `bams` to `output`; returns one line about it.

    With `quality_bins`, qualities are rounded to these values (binning.bin_qualities), with
    `cycles` reads are made that long (binning.stretch_cycles).

    Raises:
        DeepcohortError: unusable reads, reference or output folder.
    """
    evidence = gather_evidence(bams, reference, truth)
    lengths = np.concatenate([np.diff(e.reads.offset)[e.use] for e in evidence])
    profile: Profile
    if np.median(lengths) > MAX_SHORT_BP:
        profile = learn_long(evidence)
    else:
        profile = learn_illumina(evidence)
        if quality_bins:
            profile = bin_qualities(profile, quality_bins)
        if cycles:
            profile = stretch_cycles(profile, cycles)
    with atomic_outputs(output) as (temporary,):
        save_profile(profile, temporary)
    return f"{output}: learned from {len(lengths)} reads of {int(np.median(lengths))} bp (median)"
