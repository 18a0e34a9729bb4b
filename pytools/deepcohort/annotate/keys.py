"""INFO keys that annotation adds, and the header that says what they mean."""

from collections.abc import Sequence

from deepcohort import __version__
from deepcohort.annotate.config import BENIGN_BELOW, LICENCE_NOTE, PATHOGENIC_ABOVE
from deepcohort.annotate.reasons import REASONS
from deepcohort.annotate.types import TableAbout

BETWEEN = "|"  # the values of one ALT; a comma lies between ALTs
_ROWS = "one per row of the table, in its order, | between"
_TRANSCRIPTS = "one per transcript, | between"
_JOINT = "changes that several alleles make together on one haplotype"

ALPHAMISSENSE = {
    "AM_SCORE": ("A", "String", f"AlphaMissense pathogenicity, {_ROWS}"),
    "AM_CLASS": (
        "A",
        "String",
        f"Its class (likely_benign below {BENIGN_BELOW}, likely_pathogenic above {PATHOGENIC_ABOVE}, "
        f"else ambiguous), "
        f"{_ROWS}",
    ),
    "AM_TRANSCRIPT": ("A", "String", f"Its transcript, {_ROWS}"),
    "AM_UNIPROT": ("A", "String", f"Its UniProt id, {_ROWS}"),
    "AM_PROTEIN": ("A", "String", f"Its protein change, {_ROWS}"),
    "AM_MAX": ("A", "Float", "Largest AlphaMissense pathogenicity of the allele"),
    "AM_SOURCE": (
        "A",
        "String",
        "Where the scores are from: allele (table by allele) or protein (table by amino acid)",
    ),
    "AM_WHY": (
        "A",
        "String",
        "Why there is no score: " + "; ".join(f"{k} ({v})" for k, v in REASONS.items()),
    ),
}
CONSEQUENCE = {
    "DC_CSQ": (
        "A",
        "String",
        f"Consequence of the allele alone by bcftools csq, {_TRANSCRIPTS}; & joins several",
    ),
    "DC_GENE": ("A", "String", f"Gene, {_TRANSCRIPTS}"),
    "DC_TRANSCRIPT": ("A", "String", f"Transcript, {_TRANSCRIPTS}; empty: of no single one"),
    "DC_AA": ("A", "String", f"Amino acids as bcftools csq writes them (2V>2I), {_TRANSCRIPTS}"),
    "DC_HAP": (
        ".",
        "String",
        f"{_JOINT[0].upper()}{_JOINT[1:]}, as bcftools csq writes them: "
        "Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change",
    ),
    "DC_HAP_N": (".", "Integer", "Samples that have each change of DC_HAP"),
    "DC_UNPHASED": (
        "0",
        "Flag",
        "Somebody carries an allele of this record and another one that it could act with, in unknown phase",
    ),
}
HAP_SCORE = {
    "DC_HAP_AM": (
        ".",
        "String",
        "AlphaMissense pathogenicity of each change of DC_HAP, from the table by amino acid",
    ),
    "DC_HAP_WHY": (
        ".",
        "String",
        "Why a change of DC_HAP has no score; no_protein_table: that table was not given",
    ),
}


def info_lines(keys: dict[str, tuple[str, str, str]]) -> list[str]:
    """Header lines of INFO keys."""
    return [
        f'##INFO=<ID={key},Number={number},Type={type_},Description="{text}">'
        for key, (number, type_, text) in keys.items()
    ]


def about_lines(
    table: TableAbout | None, genes: str | None, csq_version: str, names: Sequence[tuple[str, str]]
) -> list[str]:
    """Header lines that say what the annotation was made of; no path, no time."""
    lines = [f"##deepcohort_annotate={__version__}"]
    if table is not None:
        lines.append(f"##deepcohort_alphamissense={table.name}; {table.licence}; {LICENCE_NOTE}")
    if genes is not None:
        lines.append(f"##deepcohort_genes={genes}; bcftools csq {csq_version}")
    lines += [f"##deepcohort_scores={name}; {file}" for name, file in names]
    return lines
