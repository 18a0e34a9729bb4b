"""Tables of an annotated VCF: counts, carriers of likely pathogenic alleles, candidates in families."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.annotated import AltNote, Record, carried, header_value, info_is_declared, records_of
from deepcohort.annotate.config import CLASSES, CandidateConfig
from deepcohort.annotate.consequence_order import LOSS, PROTEIN_CHANGING
from deepcohort.annotate.families import Candidate, CandidateFinder, Trio, trios_of
from deepcohort.annotate.multiqc import write_sections
from deepcohort.annotate.tally import Tally
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.formats.vcf_text import VcfTextReader
from deepcohort.joint.pedigree import Pedigree

_ALLELE_COLUMNS = (
    "contig", "pos", "id", "ref", "alt", "filter", "gene", "consequence", "transcript", "protein",
    "am_max", "am_class",
    "am_why", "joint_change", "carriers",
)  # fmt: skip
CARRIER_COLUMNS = (*_ALLELE_COLUMNS, "sample", "genotype", "gq", "dp")
CANDIDATE_COLUMNS = (
    "family", "child", "kind", "gene_of_pair", "pair", *_ALLELE_COLUMNS, "child_genotype", "father_genotype",
    "mother_genotype", "inherited_from", "called_de_novo",
)  # fmt: skip


def safe_cell(value: object) -> str:
    """Text of a cell that no spreadsheet takes for a formula, on one line."""
    text = "".join(" " if c in "\t\r\n" else c for c in str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def table_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A TSV with a header."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(safe_cell(value) for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def allele_cells(record: Record, note: AltNote, n_carriers: int) -> list[object]:
    """Cells of `_ALLELE_COLUMNS`."""
    return [
        record.contig, record.pos, record.id, record.ref, note.alt, record.filter,
        ", ".join(dict.fromkeys(g for g in note.genes if g != ".")), note.consequence,
        ", ".join(dict.fromkeys(t for t in note.transcripts if t != ".")),
        ", ".join(dict.fromkeys(p for p in note.protein if p != ".")), note.am_max, note.am_class, note.why,
        record.info.get("DC_HAP", ""), n_carriers,
    ]  # fmt: skip


def _carrier_rows(
    record: Record, note: AltNote, copies: NDArray[np.int64], samples: Sequence[str]
) -> list[list[object]]:
    holders = np.flatnonzero(copies).tolist()
    cells = allele_cells(record, note, len(holders))
    gq, dp = record.numbers("GQ"), record.numbers("DP")
    rows = []
    for s in holders:
        numbers = ["" if n is None or n[s] < 0 else int(n[s]) for n in (gq, dp)]
        rows.append([*cells, samples[s], record.genotype(s), *numbers])
    return rows


def is_of_interest(note: AltNote) -> bool:
    """Whether an allele may harm a protein: changes it, and is not called benign in every transcript."""
    if note.is_likely_pathogenic or note.consequence in LOSS:
        return True
    return note.consequence in PROTEIN_CHANGING and note.am_class != CLASSES[0]


def check_annotated(vcf: Path) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Header lines and samples of an annotated VCF, and whether it has consequences.

    Raises:
        DeepcohortError: the VCF is not annotated.
    """
    reader = VcfTextReader(vcf)
    lines, samples = reader.header.lines, reader.header.samples
    reader.close()
    has_csq = info_is_declared(lines, "DC_CSQ")
    if not has_csq and not info_is_declared(lines, "AM_WHY"):
        raise DeepcohortError(
            f"{vcf} is not annotated (no INFO DC_CSQ, no AM_WHY); annotate it first, with --genes or "
            f"--alphamissense"
        )
    return lines, samples, has_csq


def write_report(vcf: Path, folder: Path, pedigree: Pedigree, config: CandidateConfig | None = None) -> str:
    """Write the tables and the report's content; returns a line that says what was found.

    Raises:
        DeepcohortError: the VCF is not annotated, or damaged.
    """
    config = config or CandidateConfig()
    lines, samples, has_csq = check_annotated(vcf)
    trios = trios_of(pedigree, samples)
    tally, carriers, candidates = _collect(vcf, samples, trios, config, has_csq)
    folder.mkdir(parents=True, exist_ok=True)
    counts = tally.rows(samples)
    texts = {
        "counts.tsv": table_text(("sample", "kind", "value", "alleles", "once", "twice"), counts),
        "carriers.tsv": table_text(CARRIER_COLUMNS, carriers),
        "candidates.tsv": table_text(CANDIDATE_COLUMNS, [c.cells for c in candidates]),
        "annotation.json": json.dumps(_summary(tally, carriers, candidates, trios), indent=1, sort_keys=True)
        + "\n",
    }
    licence = header_value(lines, "deepcohort_alphamissense")
    texts |= write_sections(tally, samples, [t.child_name for t in trios], candidates, licence)
    with atomic_outputs(*(folder / name for name in texts)) as temporaries:
        for temporary, text in zip(temporaries, texts.values(), strict=True):
            temporary.write_text(text, encoding="utf-8")
    n_pairs = len({(c.child, c.gene, c.pair) for c in candidates if c.kind != "de_novo"})
    n_new = sum(c.kind == "de_novo" for c in candidates)
    return (
        f"{len(carriers):,} carriers of likely pathogenic alleles, {n_new} de novo and {n_pairs} compound "
        "heterozygous candidates"
    )


def _collect(
    vcf: Path, samples: Sequence[str], trios: Sequence[Trio], config: CandidateConfig, has_csq: bool
) -> tuple[Tally, list[list[object]], list[Candidate]]:
    tally = Tally(len(samples))
    carriers: list[list[object]] = []
    found = CandidateFinder(trios, config)
    for record in records_of(vcf, len(samples)):
        alleles = record.alleles()
        for i, note in enumerate(record.notes()):
            copies = carried(alleles, i + 1)
            if samples and not copies.any():
                continue
            tally.add(note, copies, has_csq)
            if note.is_likely_pathogenic:
                carriers += _carrier_rows(record, note, copies, samples)
            if trios and is_of_interest(note):
                found.see(record, note, i + 1, allele_cells(record, note, int((copies > 0).sum())))
    return tally, carriers, found.candidates()


def _summary(
    tally: Tally, carriers: Sequence[object], candidates: Sequence[Candidate], trios: Sequence[Trio]
) -> dict[str, object]:
    counts: dict[str, dict[str, int]] = {}
    for (kind, value), n in sorted(tally.cohort.items()):
        counts.setdefault(kind, {})[value] = n
    return {
        "alleles": counts,
        "carriers_of_likely_pathogenic": len(carriers),
        "trios": [trio.child_name for trio in trios],
        "de_novo": sum(c.kind == "de_novo" for c in candidates),
        "compound_heterozygous": len({(c.child, c.gene, c.pair) for c in candidates if c.kind != "de_novo"}),
    }
