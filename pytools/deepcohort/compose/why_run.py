"""Why a site got its genotype: what weighed, and the smallest changes of the reads that would flip it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.types import ALLELE_ALT, ALLELE_OTHER, ALLELE_REF, CandidateEvidence
from deepcohort.compose.call_shard import PreparedChunk
from deepcohort.compose.show_run import choose_row, near_candidates, prepare_site, site_title
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.model.archive import find_model, read_model
from deepcohort.model.explain import (
    Contribution,
    Predict,
    feature_contributions,
    kind_contributions,
    log10_odds,
    predict_of,
)
from deepcohort.model.load import load_predictor
from deepcohort.pileup import perturb
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.encode import encode_examples

_MOST_READS = 200  # left out one by one; deeper sites are sampled evenly
_MOST_MORE = 60  # reads added at most in the search for another genotype
_MAPQS = (40, 30, 20, 15, 10, 5, 3, 1)
_QUALITY_STEP = 1
_ALLELE_WORDS = {ALLELE_ALT: "ALT", ALLELE_REF: "REF", ALLELE_OTHER: "other"}
_GENOTYPES = ("0/0", "0/1", "1/1")


@dataclass(frozen=True, slots=True)
class ReadShare:
    """What one read adds to the log10 odds of the genotype; `pos` 1-based, `quality` -1: no base there."""

    pos: int
    forward: bool
    mapq: int
    allele: str
    quality: int
    log10_odds: float


@dataclass(frozen=True, slots=True)
class Flip:
    """The smallest change of one kind that gives another genotype; `copies` -1: none of that kind does."""

    kind: str
    change: str
    copies: int
    probability: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it. `settled`: the feature model alone decided; `cnn_share`: of the logits, otherwise."""

    title: str
    probabilities: tuple[float, float, float]
    copies: int
    settled: bool
    settle_confidence: float
    small_probabilities: tuple[float, float, float]
    cnn_share: float
    kinds: dict[str, float]
    features: tuple[Contribution, ...]
    reads: tuple[ReadShare, ...]
    flips: tuple[Flip, ...]


@dataclass(frozen=True, slots=True)
class _Site:
    """A candidate that can be judged again with other evidence; `predict`: of the cascade as in calling."""

    chunk: PreparedChunk
    row: int
    config: PileupConfig
    predict: Predict

    def inputs(self, evidence: CandidateEvidence) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Features (1, F) and pixels (1, ...) of the candidate under `evidence`."""
        batch = encode_examples(
            evidence, self.chunk.codes, self.chunk.window, self.config, select=np.array([self.row])
        )
        return batch.features.copy(), batch.pixels.copy()

    def judge(self, evidence: CandidateEvidence) -> NDArray[np.floating]:
        """P(0, 1, 2 copies), (3,)."""
        return self.predict(*self.inputs(evidence))[0]


def explain_site(
    reads: Sequence[Path], reference: Path, site: str, alt: str, platform: str, model: str
) -> Explanation:
    """Judge a site, and again with parts of its evidence changed.

    Raises:
        DeepcohortError: no candidate there; unreadable inputs or model.
    """
    chunk, pos, predictor = prepare_site(reads, reference, site, platform, model)
    row = choose_row(chunk, pos, alt)
    if row is None:
        contig = chunk.evidence.table.contig
        raise DeepcohortError(
            f"{contig}:{pos + 1} is no candidate: too few reads show anything but the reference there; "
            f"{near_candidates(chunk, pos)}"
        )
    here = _Site(chunk, row, predictor.config, predict_of(predictor))
    evidence = chunk.evidence
    features, pixels = here.inputs(evidence)
    p = here.predict(features, pixels)[0]
    copies = int(p.argmax())
    small = predict_of(load_predictor(model, platform, "cpu", mode="small"))(features, pixels)[0]
    file = read_model(find_model(model, platform))
    settle = float(file.about["settle_confidence"])
    settled = bool(small.max() >= settle)
    is_snp = evidence.table.ref_len[row] == 1 and np.diff(evidence.table.alt_offset)[row] == 1
    # what decided is asked itself: the cascade jumps where the feature model begins to be sure
    mode = "small" if settled else "both"
    decider = predict_of(load_predictor(model, platform, "cpu", cascade=False, mode=mode))
    usual = file.small["mean"]
    return Explanation(
        title=site_title(chunk, row, pos),
        probabilities=_three(p),
        copies=copies,
        settled=settled,
        settle_confidence=settle,
        small_probabilities=_three(small),
        cnn_share=0.0 if settled else file.cnn_weights[0 if is_snp else 1],
        kinds=kind_contributions(decider, features[0], pixels[0], usual, copies),
        features=tuple(feature_contributions(decider, features[0], pixels[0], usual, copies)),
        reads=tuple(_read_shares(_Site(chunk, row, predictor.config, decider), copies)),
        flips=tuple(_flips(here, copies)),
    )


def _three(p: NDArray[np.floating]) -> tuple[float, float, float]:
    return float(p[0]), float(p[1]), float(p[2])


def _read_shares(site: _Site, copies: int) -> list[ReadShare]:
    """Reads by what the odds lose without them, the weightiest first."""
    evidence, row = site.chunk.evidence, site.row
    support, reads = evidence.support, evidence.reads
    entries = np.arange(support.offset[row], support.offset[row + 1])
    entries = entries[support.allele[entries] >= 0]
    entries = entries[:: max(1, -(-len(entries) // _MOST_READS))]
    whole = float(log10_odds(site.judge(evidence)[None], copies)[0])
    found = []
    for entry in entries.tolist():
        left = site.judge(perturb.without_read(evidence, row, entry))
        read, index = int(support.read[entry]), int(support.read_index[entry])
        found.append(
            ReadShare(
                pos=int(reads.pos[read]) + 1,
                forward=not int(reads.flag[read]) & 0x10,
                mapq=int(reads.mapq[read]),
                allele=_ALLELE_WORDS[int(support.allele[entry])],
                quality=int(reads.qual[reads.seq_offset[read] + index]) if index >= 0 else -1,
                log10_odds=whole - float(log10_odds(left[None], copies)[0]),
            )
        )
    return sorted(found, key=lambda share: -abs(share.log10_odds))


def _flips(site: _Site, copies: int) -> list[Flip]:
    """One line per kind of change, in the order of what one would check first."""
    evidence, row = site.chunk.evidence, site.row
    n_ref, n_alt = (len(perturb.entries_of(evidence, row, allele)) for allele in (ALLELE_REF, ALLELE_ALT))
    out = []
    for allele, name, n in ((ALLELE_ALT, "ALT", n_alt), (ALLELE_REF, "REF", n_ref)):

        def changed(k: int, allele: int = allele) -> CandidateEvidence | None:
            return perturb.with_reads(evidence, row, allele, k)

        fewer = ((-k, f"{k} fewer ({n - k} instead of {n})") for k in range(1, n + 1))
        more = ((k, f"{k} more ({n + k} instead of {n})") for k in range(1, _MOST_MORE + 1 if n else 1))
        out.append(_first_flip(site, f"fewer {name} reads", fewer, changed, copies))
        out.append(_first_flip(site, f"more {name} reads", more, changed, copies))
    out.append(
        _first_flip(
            site,
            "lower qualities of ALT bases",
            ((q, f"{q} phred lower") for q in range(1, 94, _QUALITY_STEP)),
            lambda q: perturb.with_quality(evidence, row, q),
            copies,
        )
    )
    out.append(
        _first_flip(
            site,
            "lower MAPQ of ALT reads",
            ((m, f"{m} at most") for m in _MAPQS),
            lambda m: perturb.with_mapq(evidence, row, m),
            copies,
        )
    )
    forward, reverse = perturb.strands_of(evidence, row)
    out.append(
        _first_flip(
            site,
            "other strand of ALT reads",
            ((k, f"{k} moved (now {forward} forward, {reverse} reverse)") for k in range(1, n_alt + 1)),
            lambda k: perturb.with_strands(evidence, row, k),
            copies,
        )
    )
    return out


def _first_flip(
    site: _Site,
    kind: str,
    steps: Iterable[tuple[int, str]],
    changed: Callable[[int], CandidateEvidence | None],
    copies: int,
) -> Flip:
    for step, words in steps:
        evidence = changed(step)
        if evidence is None:
            break
        p = site.judge(evidence)
        if int(p.argmax()) != copies:
            return Flip(kind, words, int(p.argmax()), float(p.max()))
    return Flip(kind, "", -1, 0.0)


def _copies(n: int) -> str:
    return "1 copy" if n == 1 else f"{n} copies"


def _decided(e: Explanation) -> str:
    if e.settled:
        return (
            f"Decided by the site features alone: confidence {max(e.small_probabilities):.5f}, "
            f"{e.settle_confidence:.5f} is enough."
        )
    return (
        f"The site features alone ({max(e.small_probabilities):.4f} sure of "
        f"{_copies(int(np.argmax(e.small_probabilities)))}) fall short of {e.settle_confidence:.4f}: the "
        f"mean with the CNN decided, whose share is {e.cnn_share:g}."
    )


def _flip_line(flip: Flip) -> str:
    if flip.copies < 0:
        return f"  {flip.kind}: none would"
    return (
        f"  {flip.kind}: {flip.change} -> {_copies(flip.copies)} ({_GENOTYPES[flip.copies]}), "
        f"P {flip.probability:.2f}"
    )


def told(e: Explanation, top: int) -> str:
    """The explanation as text."""
    p = "   ".join(f"P({k}) {x:.4f}" for k, x in enumerate(e.probabilities))
    verdict = f"{p}   so {_copies(e.copies)} of ALT ({_GENOTYPES[e.copies]} where it is alone)"
    kinds = sorted(e.kinds.items(), key=lambda item: -abs(item[1]))
    lines = [
        e.title,
        verdict,
        _decided(e),
        "",
        f"What speaks for {_copies(e.copies)} (+) and against (-): log10 odds, beside usual values:",
        *(f"  {odds:+7.2f}  {kind}" for kind, odds in kinds),
        "",
        "Single features (many overlap, so that one alone may seem to matter little):",
        *(
            f"  {c.log10_odds:+7.2f}  {c.name} {c.value:.3f} (usual {c.usual:.3f}): {c.meaning}"
            for c in e.features[:top]
        ),
        "",
        "Reads without which the odds change most:",
        *(
            f"  {r.log10_odds:+7.2f}  {r.allele} read from {r.pos:,}, "
            f"{'forward' if r.forward else 'reverse'}, MAPQ {r.mapq}, "
            f"base quality {r.quality if r.quality >= 0 else 'none'}"
            for r in e.reads[:top]
        ),
        "",
        "The smallest changes that would give another genotype:",
        *map(_flip_line, e.flips),
    ]
    return "\n".join(lines)


def write_json(e: Explanation, output: Path) -> None:
    """Everything, as JSON.

    Raises:
        DeepcohortError: the file cannot be written.
    """
    with atomic_outputs(output) as [temporary]:
        temporary.write_text(json.dumps(asdict(e), indent=1) + "\n")
