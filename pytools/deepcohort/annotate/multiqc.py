"""Content of the report: counts of an annotated VCF (files named *_mqc.json)."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deepcohort.annotate.families import Candidate
from deepcohort.annotate.tally import Tally
from deepcohort.core.escape import escaped

_TITLES = {
    "consequence": (
        "Consequences",
        "Alleles that each sample carries, by their gravest consequence (bcftools csq).",
    ),
    "class": (
        "AlphaMissense classes",
        "Alleles that each sample carries with a score of AlphaMissense, by the gravest class of their "
        "transcripts.",
    ),
    "reason": (
        "Why there is no score",
        "Alleles without a score of AlphaMissense. No score does not mean benign: most pathogenic "
        "alleles are not missense.",
    ),
}


def _section(name: str, title: str, description: str, plot: str, data: Mapping[str, Any], **more: Any) -> str:
    content = {
        "id": f"deepcohort_annotation_{name}",
        "section_name": title,
        "description": description,
        "parent_id": "deepcohort_annotation",
        "parent_name": "Annotation",
        "plot_type": plot,
        "pconfig": {
            "id": f"deepcohort_annotation_{name}_plot",
            "title": f"Annotation: {title}",
            **more.pop("pconfig", {}),
        },
        **more,
        "data": data,
    }
    return json.dumps(escaped(content), indent=1) + "\n"


def write_sections(
    tally: Tally,
    samples: Sequence[str],
    children: Sequence[str],
    candidates: Sequence[Candidate],
    licence: str,
) -> dict[str, str]:
    """File name -> text of each section."""
    found = {}
    rows = tally.rows(samples)
    for kind, (title, description) in _TITLES.items():
        data: dict[str, dict[str, int]] = {}
        for sample, its_kind, value, n, _, _ in rows:
            if its_kind == kind and (not samples or sample != "cohort"):
                data.setdefault(str(sample), {})[str(value)] = int(str(n))
        if data:
            note = f" Table: {html.escape(licence)}" if kind == "class" and licence else ""
            name = f"deepcohort_annotation_{kind}_mqc.json"
            found[name] = _section(
                kind, title, description + note, "bargraph", data, pconfig={"ylab": "Alleles"}
            )
    if children:
        by_child: dict[str, dict[str, int]] = {}
        for child in children:
            mine = [c for c in candidates if c.child == child]
            by_child[child] = {
                "de_novo": sum(c.kind == "de_novo" for c in mine),
                "compound_het": len({(c.gene, c.pair) for c in mine if c.kind == "compound_het"}),
            }
        headers = {
            "de_novo": {
                "title": "De novo",
                "description": "Alleles that change a protein and that no parent has",
                "format": "{:,.0f}",
            },
            "compound_het": {
                "title": "Compound het",
                "description": "Pairs in a gene, one from each parent",
                "format": "{:,.0f}",
            },
        }
        found["deepcohort_annotation_candidates_mqc.json"] = _section(
            "candidates", "Candidates in families", "Children whose parents are both in the cohort; "
            "rows in candidates.tsv.",
            "table", by_child, pconfig={"namespace": "deepcohort", "col1_header": "Child"}, headers=headers,
        )  # fmt: skip
    return found
