"""How a run was made: command, parameters, models, tools and their versions, for the page itself."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deepcohort import __version__
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.text import text_of
from deepcohort.report.reads import Facts

_VERSION_LINE = re.compile(r"^(?P<process>[A-Z_:]+): (?P<tools>.+)$")
_UNSAID = (None, "", False)


def write_run(account: Path | None, versions: Path | None, samples: Sequence[Facts], output: Path) -> Path:
    """Write the section "How this was made" to folder `output`.

    Args:
        account: JSON of the run (parameters, command, nextflow, profile). versions: text of versions.yml
            files. samples: facts, for the models' names.

    Raises:
        DeepcohortError: a file that cannot be read.
    """
    run = _account_of(account) if account else {}
    tools = versions_of(text_of(versions)) if versions else {}
    models = sorted({facts["model"] for facts in samples if facts["model"]})
    output.mkdir(parents=True, exist_ok=True)
    path = output / "deepcohort_run_mqc.json"
    content = {
        "id": "deepcohort_run",
        "section_name": "How this was made",
        "description": "What it takes to make these files again; checksums: pipeline_info/provenance.json.",
        "plot_type": "html",
        "data": run_html(run, tools, models),
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _account_of(path: Path) -> dict[str, Any]:
    """The run as its JSON tells it.

    Raises:
        DeepcohortError: it cannot be read, or is no account of a run.
    """
    try:
        run = json.loads(text_of(path))
    except ValueError as error:
        raise DeepcohortError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(run, dict) or not isinstance(run.get("parameters") or {}, dict):
        raise DeepcohortError(f"{path} is no account of a run: a JSON object, parameters another within it")
    return run


def versions_of(text: str) -> dict[str, set[str]]:
    """Versions by tool, from the lines `PROCESS: tool, version x; ...` or nested YAML of versions.yml."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        match = _VERSION_LINE.match(line.strip().strip('"'))
        if match:
            for part in match["tools"].split(";"):
                words = re.match(
                    r"\s*(?P<tool>[A-Za-z][\w.+-]*)[,:]?\s+(?:version\s+)?v?(?P<version>\d[\w.+-]*)", part
                )
                if words:
                    found.setdefault(words["tool"], set()).add(words["version"])
        else:
            words = re.match(r"^\s+['\"]?(?P<tool>[\w.+-]+)['\"]?:\s*['\"]?v?(?P<version>\d[^'\"\s]*)", line)
            if words and words["tool"] != "code":  # of the pipeline's cache key, no tool
                found.setdefault(words["tool"], set()).add(words["version"])
    return found


def run_html(run: Mapping[str, Any], tools: Mapping[str, set[str]], models: Sequence[str]) -> str:
    """The section's body."""
    versions = {"deepcohort": {__version__}, **{name: set(found) for name, found in tools.items()}}
    if run.get("nextflow"):
        versions["nextflow"] = {str(run["nextflow"])}
    if find_spec("multiqc"):  # the page is made after this section
        versions["multiqc"] = {version("multiqc")}
    rows = [("Version", ", ".join(f"{name} {'/'.join(sorted(v))}" for name, v in sorted(versions.items())))]
    if run.get("command"):
        rows.append(("Command", str(run["command"])))
    if models:
        rows.append(("Model", "; ".join(models)))
    parameters = run.get("parameters") or {}
    if parameters.get("reference"):
        rows.append(("Reference", str(parameters["reference"])))
    if run.get("profile"):
        rows.append(("Profile", f"{run['profile']}, container: {run.get('container') or 'none'}"))
    told = [f"{key} = {value}" for key, value in sorted(parameters.items()) if value not in _UNSAID]
    if told:
        rows.append(("Parameters", "\n".join(told)))
    style = "vertical-align:top;white-space:nowrap;padding-right:1.5em"
    cells = "".join(
        f'<tr><th scope="row" style="{style}">{html.escape(name)}</th>'
        f'<td style="white-space:pre-wrap;overflow-wrap:anywhere"><code>{html.escape(text)}</code></td></tr>'
        for name, text in rows
    )
    return f'<table class="table table-sm">{cells}</table>'
