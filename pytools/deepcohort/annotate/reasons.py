"""Why an allele has no score of AlphaMissense."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate.genes import GeneModels, without_version
from deepcohort.annotate.io_csq import Entry

NOT_IN_TABLE = "not_in_table"
REASONS = {
    "not_coding": "outside coding sequence",
    "not_missense": "in coding sequence, but no amino acid is exchanged for another",
    "gene_not_scored": "missense, but no transcript of the gene is in the table",
    "transcript_not_scored": "missense in a transcript that is not in the table; others of the gene are",
    NOT_IN_TABLE: "the table has no such allele (without gene models nothing more can be said)",
    "mnv": "several bases exchanged together; the table is of single bases",
    "indel": "insertion or deletion",
    "symbolic": "symbolic allele or breakend",
    "spanning_deletion": "the allele *",
    "not_bases": "ALT or REF holds other letters than A, C, G, T, or ALT equals REF",
    "ref_differs": "REF is not the reference's",
}
BY_KIND = {
    ak.SYMBOLIC: "symbolic",
    ak.SPANNING: "spanning_deletion",
    ak.NOT_BASES: "not_bases",
    ak.SAME: "not_bases",
    ak.REF_DIFFERS: "ref_differs",
    ak.OUTSIDE: "ref_differs",
    ak.INDEL: "indel",
    ak.MNV: "mnv",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """Transcripts (without version) and genes that AlphaMissense's table has; None: names do not compare."""

    transcripts: Set[str]
    genes: Set[str] | None


def scored_of(pairs: Sequence[tuple[str, str]], models: GeneModels) -> Scored:
    """What of the gene models is in a table with these (transcript, UniProt id)."""
    transcripts = {without_version(transcript) for transcript, _ in pairs}
    known = transcripts & models.genes.keys()
    genes = {models.genes[t].gene for t in known}
    return Scored(transcripts, genes if known else None)


def is_missense(entry: Entry) -> bool:
    """Whether the entry is an amino acid exchanged for another."""
    return "missense" in entry.types.lstrip("*").split("&")


def reason_of(kind: int, entries: Sequence[Entry], models: GeneModels | None, scored: Scored | None) -> str:
    """Why an allele that the table does not have has no score."""
    if kind in BY_KIND:
        return BY_KIND[kind]
    if models is None or scored is None:
        return NOT_IN_TABLE
    coding = [entry for entry in entries if entry.is_coding]
    if not coding:
        return "not_coding"
    transcripts = {without_version(entry.transcript) for entry in coding if is_missense(entry)}
    if not transcripts:
        return "not_missense"
    if scored.genes is None or transcripts & scored.transcripts:
        return NOT_IN_TABLE
    genes = {models.genes[t].gene for t in transcripts if t in models.genes}
    return "transcript_not_scored" if genes & scored.genes else "gene_not_scored"
