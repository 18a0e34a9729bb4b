"""Names in reports: MultiQC puts what it is given into a page as HTML."""

import html
from collections.abc import Mapping
from typing import Any

# what carries names of samples, call sets and strata; descriptions are this package's own HTML
_NAMED = ("data", "xcats", "ycats", "section_name")


def escaped(content: Mapping[str, Any]) -> dict[str, Any]:
    """MultiQC content of which no name is taken for HTML."""
    out = dict(content)
    if content.get("plot_type") != "html":
        out |= {key: _escape(content[key]) for key in _NAMED if key in content}
    config = out.get("pconfig")
    if isinstance(config, dict):
        named = {key: _escape(config[key]) for key in ("title", "data_labels") if key in config}
        out["pconfig"] = {**config, **named}
    return out


def _escape(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, Mapping):
        return {_escape(key): _escape(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_escape(inner) for inner in value]
    return value
