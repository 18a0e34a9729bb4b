"""Small pictures as SVG text, whose colours follow the page."""

import html
import math
from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 420, 190, 44, 8, 10, 34


def _ticks(high: float, n: int = 4) -> list[float]:
    """Round values from 0 to about `high`."""
    if high <= 0:
        return [0.0]
    rough = high / n
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough)
    return [i * step for i in range(int(high / step + 1e-9) + 1)]


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _frame(top: float) -> list[str]:
    parts = []
    for value in _ticks(top):
        y = _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM) if top else _HEIGHT - _BOTTOM
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>'
        )
        parts.append(_text(_LEFT - 5, y + 4, f"{value:,g}", "end"))
    return parts


def _svg(parts: Sequence[str], title: str) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">'
    return f"{head}{''.join(parts)}</svg>"


def curve(points: Sequence[Sequence[float]], xlab: str, ylab: str) -> str:
    """Filled curve of (x, y), y in per cent, x cut where 99.8 % of the y are seen."""
    if not points:
        return "<p>No data.</p>"
    total, seen, last = sum(y for _, y in points), 0.0, len(points)
    for i, (_, y) in enumerate(points):
        seen += y
        if seen >= 0.998 * total:
            last = min(len(points), max(i + 2, 10))
            break
    points = points[:last]
    right, top = max(points[-1][0], 1e-9), max(max(y for _, y in points), 1e-9) * 1.05
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    at = [(_LEFT + x / right * width, _HEIGHT - _BOTTOM - y / top * height) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    floor = _HEIGHT - _BOTTOM
    parts = _frame(top)
    parts.append(
        f'<polygon points="{at[0][0]:.1f},{floor} {path} {at[-1][0]:.1f},{floor}" fill="var(--blue)" '
        'fill-opacity=".18"/>'
        f'<polyline points="{path}" fill="none" stroke="var(--blue)" stroke-width="1.8"/>'
    )
    parts += [_text(_LEFT + v / right * width, floor + 14, f"{v:,g}") for v in _ticks(right, 6)]
    parts += [_text(_LEFT + width / 2, _HEIGHT - 5, xlab), _text(_LEFT + 4, _TOP + 8, ylab, "start")]
    return _svg(parts, f"{ylab} by {xlab}")


def bars(counts: Sequence[tuple[str, int]]) -> str:
    """Bars with their names below and their counts above."""
    top = max((n for _, n in counts), default=0) * 1.12
    if not top:
        return "<p>No data.</p>"
    width, height, floor = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM, _HEIGHT - _BOTTOM
    step = width / len(counts)
    parts = _frame(top)
    for i, (name, n) in enumerate(counts):
        x, y = _LEFT + i * step, floor - n / top * height
        parts.append(
            f'<rect x="{x + 0.12 * step:.1f}" y="{y:.1f}" width="{0.76 * step:.1f}" height="{floor - y:.1f}" '
            f'fill="var(--{"orange" if name.startswith("-") else "blue"})" rx="1.5">'
            f"<title>{html.escape(name)}: {n:,}</title></rect>"
        )
        if len(counts) <= 8:
            parts.append(_text(x + step / 2, y - 3, f"{n:,}"))
        if len(counts) <= 8 or i % 2 == 0:
            parts.append(_text(x + step / 2, floor + 14, name))
    return _svg(parts, ", ".join(f"{name}: {n}" for name, n in counts))
