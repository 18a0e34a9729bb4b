"""Kin that a pedigree states."""

from collections.abc import Iterable, Mapping


def expected_kin(parents: Mapping[str, tuple[str, str]], names: Iterable[str]) -> dict[frozenset[str], str]:
    """Pairs of `names` that a pedigree makes "parent-child" or full "siblings", in their order."""
    given = list(names)
    known = set(given)
    expected: dict[frozenset[str], str] = {}
    children = [name for name in given if name in parents]
    for child in children:
        for parent in parents[child]:
            if parent in known:
                expected[frozenset((child, parent))] = "parent-child"
    for i, one in enumerate(children):
        for other in children[i + 1 :]:
            if parents[one] == parents[other] and all(parents[one]):
                expected[frozenset((one, other))] = "siblings"
    return expected
