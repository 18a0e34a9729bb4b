"""Consequences of bcftools csq from the gravest to the least; which change a protein."""

from collections.abc import Iterable

ORDER = (
    "splice_acceptor", "splice_donor", "stop_gained", "frameshift", "stop_lost", "start_lost",
    "inframe_insertion",
    "inframe_deletion", "inframe_altering", "missense", "splice_region", "coding_sequence", "synonymous",
    "start_retained", "stop_retained", "5_prime_utr", "3_prime_utr", "non_coding",
    "feature_elongation", "intron",
)  # fmt: skip
OUTSIDE_GENES = "outside_genes"
OTHER = "other"
LOSS = frozenset(ORDER[:4])
PROTEIN_CHANGING = frozenset(ORDER[:10])
_RANK = {name: i for i, name in enumerate(ORDER)}


def gravest(types: Iterable[str]) -> str:
    """The gravest of csq's consequences (each may join several by &)."""
    words = [word.lstrip("*") for text in types for word in text.split("&") if word != "."]
    known = [word for word in words if word in _RANK]
    if not known:
        return OTHER if words else OUTSIDE_GENES
    return min(known, key=_RANK.__getitem__)
