"""What a sample's facts say about its sex."""

from typing import Any

_LEAST_XX, _LEAST_Y = 0.75, 0.1  # depth over that of autosomes, as in reads.sex


def sex_row(facts: dict[str, Any]) -> dict[str, Any]:
    """Depths of X and Y, the sex that calling took and why, what the depths say, and whether both fit."""
    found = (facts["quality"] or {}).get("sex") or {}
    note = facts.get("sex") or {}
    called, origin = note.get("Sex", ""), note.get("From", "")
    inferred = inferred_sex(found.get("x_depth"), found.get("y_depth"))
    check = ""
    if called in ("XX", "XY") and inferred:
        check = "ok" if called == inferred else "MISMATCH"
    return {
        "x_depth": found.get("x_depth"),
        "y_depth": found.get("y_depth"),
        "x_het": found.get("x_het"),
        "called_as": f"{called} ({origin})" if called and origin else called,
        "inferred": inferred,
        "check": check,
    }


def inferred_sex(x: float | None, y: float | None) -> str:
    """XX, XY or "" from the depths of X and Y over that of autosomes."""
    if x is None:
        return ""
    if y is None:
        return "XX" if x >= _LEAST_XX else ""
    if x >= _LEAST_XX and y < _LEAST_Y:
        return "XX"
    return "XY" if x < _LEAST_XX and y >= _LEAST_Y else ""
