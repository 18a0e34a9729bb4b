"""Settings of the room: how loci are observed, how they are encoded, defaults of training."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from deepcohort.core.errors import InputProblems
from deepcohort.model.config import TrainConfig

PHASES = ("yes", "no", "both")
QUANTILES = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


@dataclass(frozen=True, slots=True)
class Observation:
    """What stands between a simulated locus and genotypes; pairs are ranges, drawn anew for every locus.

    Attributes:
        phased: yes = rows are haplotypes; no = individuals; both = either, at random.
        polarised: the derived allele is known; otherwise the minor allele is counted.
        depth: mean reads per site and individual, 0 = genotypes are known without reads.
        read_error: chance that a read shows the other allele.
        missing: share of genotypes not seen. error: share of alleles called wrongly.
        pseudo_haploid: one read stands for each ancient individual.
        min_maf: sites with a rarer minor allele are unknown (arrays). density: share of sites known.
        looks: times that each training locus is observed.
    """

    phased: str = "yes"
    polarised: bool = False
    depth: tuple[float, float] = (0.0, 0.0)
    read_error: float = 0.005
    missing: tuple[float, float] = (0.0, 0.0)
    error: tuple[float, float] = (0.0, 0.0)
    pseudo_haploid: bool = False
    min_maf: tuple[float, float] = (0.0, 0.0)
    density: tuple[float, float] = (1.0, 1.0)
    looks: int = 1

    def __post_init__(self) -> None:
        problems = []
        if self.phased not in PHASES:
            problems.append(f"observation phased is '{self.phased}'; choose from {', '.join(PHASES)}")
        for name, top in (
            ("depth", 1e4), ("missing", 0.95), ("error", 0.5), ("min_maf", 0.5), ("density", 1.0),
        ):  # fmt: skip
            low, high = getattr(self, name)
            if not 0 <= low <= high <= top:
                problems.append(f"observation {name} must be two ascending numbers from 0 to {top:g}")
        if self.density[0] <= 0:
            problems.append("observation density must be above 0")
        if not 1 <= self.looks <= 100:
            problems.append("observation looks must lie in 1 to 100")
        if problems:
            raise InputProblems(problems)


def observation_from(values: dict[str, Any], base: Observation | None = None) -> Observation:
    """An Observation from plain values over `base`.

    Raises:
        InputProblems: unknown names, wrong types, values out of range.
    """
    known = {f.name: getattr(Observation(), f.name) for f in fields(Observation)}
    clean: dict[str, Any] = {}
    problems = []
    for name, value in values.items():
        default = known.get(name)
        if name not in known:
            problems.append(f"observation '{name}' is unknown; known: {', '.join(known)}")
        elif isinstance(default, tuple):
            pair = [value, value] if isinstance(value, int | float) else value
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                problems.append(f"observation {name} must be one or two numbers, not {value!r}")
            else:
                clean[name] = (float(pair[0]), float(pair[1]))
        elif type(value) is type(default) or (isinstance(default, float) and isinstance(value, int)):
            clean[name] = value
        else:
            problems.append(f"observation {name} is {value!r}; expected {type(default).__name__}")
    if problems:
        raise InputProblems(problems)
    return replace(base or Observation(), **clean)


def observation_facts(observation: Observation) -> dict[str, Any]:
    """As plain values."""
    return asdict(observation)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How observed loci become examples; part of every model.

    Attributes:
        sites: columns of the image, around the middle of the window (or all, sorted, of unlinked SNPs).
        rows: per group. unlinked: rows are populations of counts, columns are sorted.
        locus_bp: length of the windows that the model knows.
    """

    sites: int
    rows: tuple[int, ...]
    unlinked: bool
    locus_bp: int


def train_defaults(unlinked: bool) -> TrainConfig:
    """Settings of training here; the names and their meaning are those of `deepcohort train`."""
    base = TrainConfig(
        read_channels=(8, 16),
        site_channels=(32, 32, 32),
        feature_units=48,
        head_units=48,
        dropout=0.3,
        lr=3e-3,
        l2=1e-2,
        batch_size=32,
        epochs=12,
        ema=0.99,
        patience=4,
        validation_share=0.1,
        test_share=0.1,
        threads=1,
        warmup_steps=50,
    )
    if unlinked:
        return replace(
            base, site_channels=(16, 16, 16, 16, 16), read_channels=(8, 8), batch_size=64, dropout=0.1
        )
    return base
