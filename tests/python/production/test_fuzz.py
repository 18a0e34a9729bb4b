"""Spoilt files of every kind: an answer or one clear line, never a crash, a hang or a trace."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_base import make_base
from fuzz_targets import TARGETS
from fuzzing import HARMLESS, Outcome, run_cases

NIGHTLY_CASES = int(os.environ.get("FUZZ_CASES", "440"))  # of each of 33 targets: 14,520
# in CI, 500 together, by what a case costs
QUICK_CASES = 3
CHEAP_CASES = {
    "model_read": 90, "examples_read": 100, "profile": 90, "samplesheet": 50, "merge": 40, "store": 25, "parts": 20, "stats": 20, "gvcf": 8,
    "pedigree": 6, "evaluate": 4, "export": 1, "url": 1,
    "phase_evidence": 30, "fingerprints": 15,
}  # fmt: skip
# seeds that once found something stay
KEPT: dict[str, list[int]] = {
    "bam_fields": [130],
    "evaluate": [49, 53, 73, 88, 492],
    "examples": [382],
    "filter": [117, 164, 448, 465],
    "filter_cohort": [10_329],
    "fingerprints": [10_153, 10_286, 10_305],
    "haplotag": [10_003, 10_044, 10_058, 10_067, 10_156, 10_178],
    "phase": [10_224, 10_383],
    "url": [4],
    "merge": [41, 58, 74, 88, 95, 151, 172, 192, 205, 10_042, 300_136],
    "model": [10_083, 10_110, 10_125, 10_542],
    "paralogs": [0, 4, 8],
    "samplesheet": [10_041],
    "stats": [43, 156, 237, 321, 338, 1003],
}


pytestmark = pytest.mark.xdist_group("spoilt_files")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "sound"  # shared by the modules of this group
    make_base(folder)
    return folder


def findings(outcomes: Iterator[Outcome]) -> str:
    return "\n\n".join(str(outcome) for outcome in outcomes if outcome.kind not in HARMLESS)


@pytest.mark.slow
def test_a_few_spoilt_files_of_every_kind(base: Path) -> None:
    cases = [
        (target, seed)
        for target in sorted(TARGETS)
        for seed in [*range(CHEAP_CASES.get(target, QUICK_CASES)), *KEPT.get(target, [])]
    ]
    assert not findings(run_cases(cases, base))


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_thousands_of_spoilt_files(target: str, base: Path) -> None:
    assert not findings(run_cases(((target, 10_000 + seed) for seed in range(NIGHTLY_CASES)), base))


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("target", ["bam_fields", "bam_odd", "gvcf", "merge", "evaluate"])
def test_kernels_stay_inside_their_arrays(target: str, base: Path) -> None:
    cases = ((target, 20_000 + seed) for seed in range(NIGHTLY_CASES))
    assert not findings(run_cases(cases, base, checked=True))
