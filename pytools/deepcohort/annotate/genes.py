"""Gene models of a GFF3 (Ensembl's, GENCODE's, RefSeq's), written anew in the form that bcftools csq "
"reads."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate.text_source import ContigNames, plain_name
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region, merge_regions

_PAD_BP = 50  # csq looks at splice regions, inside transcripts; an indel may begin before one
_PARTS = {
    b"exon": b"exon",
    b"CDS": b"CDS",
    b"five_prime_UTR": b"five_prime_UTR",
    b"three_prime_UTR": b"three_prime_UTR",
}
_NOT_TRANSCRIPTS = {
    b"start_codon", b"stop_codon", b"UTR", b"stop_codon_redefined_as_selenocysteine", b"biological_region",
    b"chromosome", b"scaffold", b"supercontig", b"region", b"match", b"cDNA_match",
}  # fmt: skip
_PREFIXES = (b"transcript:", b"gene:", b"rna-", b"gene-")
_TABLE = re.compile(rb"(?:^|;)\s*transl_table=(\d+)")
# NCBI's tables of genetic codes
_VERTEBRATE_MITOCHONDRIAL = 2
_OF_STANDARD_AMINO_ACIDS = (0, 1, 11)


@dataclass(frozen=True, slots=True)
class Gene:
    """A transcript's gene."""

    gene: str
    name: str


@dataclass(frozen=True, slots=True)
class GeneModels:
    """Genes on the contigs of a VCF.

    Attributes:
        path: of the GFF. names: contig in the GFF -> in the VCF.
        genes: transcript (without version) -> gene. coding: transcripts that have a CDS.
        spans: contig -> int64 (n, 2) of what genes cover, padded, 0-based half-open, disjoint, ascending.
        cds: contig -> int64 (n, 2) of what CDSs cover, disjoint, ascending.
        codes: contig -> genetic code (NCBI's number) of contigs that have another than the standard one.
        bare: genes whose CDSs belong to them, with no transcript between (RefSeq's mitochondrial ones).
    """

    path: Path
    names: dict[str, str]
    genes: dict[str, Gene]
    coding: frozenset[str]
    spans: dict[str, NDArray[np.int64]]
    cds: dict[str, NDArray[np.int64]]
    codes: dict[str, int]
    bare: frozenset[bytes]

    def grown(self, regions: Sequence[Region], contig_lengths: Mapping[str, int]) -> list[Region]:
        """The regions and the whole of every gene that reaches into them."""
        found = list(regions)
        for region in regions:
            spans = self.spans.get(region.contig)
            if spans is None:
                continue
            touch = spans[(spans[:, 0] < region.end) & (spans[:, 1] > region.start)]
            length = contig_lengths[region.contig]
            found += [Region(region.contig, max(0, int(a)), min(length, int(b))) for a, b in touch]
        return merge_regions(found)


def without_version(name: str) -> str:
    """Accession of a transcript without its version: ENST00000335137 of ENST00000335137.4."""
    return name.split(".")[0]


def overlaps(
    spans: NDArray[np.int64] | None, start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each interval [start, end) meets one of `spans` (disjoint, ascending)."""
    if spans is None or not len(spans):
        return np.zeros(len(start), dtype=bool)
    at = np.searchsorted(spans[:, 1], start, side="right")
    inside = at < len(spans)
    return inside & (spans[np.minimum(at, len(spans) - 1), 0] < end)


def _attributes(text: bytes) -> dict[bytes, bytes]:
    return dict(part.strip().split(b"=", 1) for part in text.rstrip(b"\r\n").split(b";") if b"=" in part)


def _bare(name: bytes) -> bytes:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _biotype(kind: bytes, found: Mapping[bytes, bytes]) -> bytes:
    for key in (b"biotype", b"transcript_type", b"transcript_biotype", b"gene_type", b"gene_biotype"):
        if key in found:
            return found[key]
    return b"protein_coding" if kind == b"mRNA" else b"misc_RNA"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Feature lines and their numbers.

    Raises:
        DeepcohortError: missing, damaged.
    """
    if not path.is_file():
        raise DeepcohortError(f"gene models {path} do not exist; check --genes")
    with open(path, "rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if compressed else open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.startswith(b"##FASTA"):
                    return
                if not line.startswith(b"#") and line.strip():
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        raise DeepcohortError(
            f"gene models {path} are truncated or damaged ({error}); download them again"
        ) from error


def _fields(path: Path, number: int, line: bytes) -> list[bytes]:
    fields = line.split(b"\t")
    if len(fields) != 9 or not (fields[3].isdigit() and fields[4].isdigit()):
        raise DeepcohortError(f"gene models {path} line {number} is no GFF3 line of nine columns")
    if b"=" not in fields[8] and b'"' in fields[8]:
        raise DeepcohortError(
            f"gene models {path} are GTF (line {number}); give the GFF3 of the same release"
        )
    return fields


class _Reader:
    def __init__(self, path: Path, contigs: Sequence[str]) -> None:
        self.path, self.contigs = path, ContigNames(contigs)
        self.names: dict[bytes, str | None] = {}
        self.gene_names: dict[bytes, bytes] = {}
        self.transcripts: dict[bytes, bytes] = {}
        self.coding: set[bytes] = set()
        self.spans: dict[str, list[tuple[int, int]]] = {}
        self.cds: dict[str, list[tuple[int, int]]] = {}
        self.codes: dict[str, int] = {}

    def contig(self, name: bytes) -> str | None:
        if name not in self.names:
            self.names[name] = self.contigs.of(name.decode("ascii", "replace"))
        return self.names[name]

    def read(self) -> None:
        n_cds = 0
        for number, line in _lines(self.path):
            fields = _fields(self.path, number, line)
            contig = self.contig(fields[0])
            kind = fields[2]
            if kind == b"CDS":
                n_cds += 1
                if fields[7] not in (b"0", b"1", b"2"):
                    raise DeepcohortError(
                        f"gene models {self.path} line {number}: a CDS without phase (column 8); "
                        "give a GFF3 with phases, as Ensembl and GENCODE publish it"
                    )
            if contig is None:
                continue
            self._take(contig, kind, int(fields[3]) - 1, int(fields[4]), fields[8])
        if not n_cds:
            raise DeepcohortError(f"gene models {self.path} hold no CDS; give a GFF3 of coding genes")

    def _take(self, contig: str, kind: bytes, start: int, end: int, text: bytes) -> None:
        if kind in _PARTS:
            if kind == b"CDS":
                self.cds.setdefault(contig, []).append((start, end))
                if contig not in self.codes:
                    told = _TABLE.search(text)
                    mitochondrial = _VERTEBRATE_MITOCHONDRIAL if plain_name(contig) == "M" else 0
                    self.codes[contig] = int(told[1]) if told else mitochondrial
                for parent in _attributes(text).get(b"Parent", b"").split(b","):
                    self.coding.add(_bare(parent))
            return
        if kind in _NOT_TRANSCRIPTS:
            return
        found = _attributes(text)
        if b"ID" not in found:
            return
        name, of = _bare(found[b"ID"]), found.get(b"Parent")
        if of is None:
            self.gene_names[name] = found.get(b"Name", found.get(b"gene_name", found.get(b"gene", name)))
            self.spans.setdefault(contig, []).append((max(0, start - _PAD_BP), end + _PAD_BP))
        else:
            self.transcripts[name] = _bare(of)


def read_genes(path: Path, contigs: Sequence[str]) -> GeneModels:
    """Gene models on `contigs` of the reference.

    Raises:
        DeepcohortError: no GFF3, a CDS without phase, no gene on any of the contigs' names.
    """
    reader = _Reader(path, contigs)
    reader.read()
    names = {name.decode(): mine for name, mine in reader.names.items() if mine is not None}
    if not names:
        theirs = ", ".join(name.decode("ascii", "replace") for name in list(reader.names)[:3])
        raise DeepcohortError(
            f"gene models {path} and the reference have no contig in common "
            f"({theirs} against {', '.join(contigs[:3])})"
        )
    genes = {}
    for transcript, gene in reader.transcripts.items():
        name = reader.gene_names.get(gene, gene)
        genes[without_version(transcript.decode())] = Gene(gene.decode(), name.decode())
    bare = frozenset(reader.coding & reader.gene_names.keys() - reader.transcripts.keys())
    for gene in bare:
        genes[without_version(gene.decode())] = Gene(gene.decode(), reader.gene_names[gene].decode())
    coding = frozenset(without_version(t.decode()) for t in reader.coding)
    if not coding & genes.keys():
        raise DeepcohortError(
            f"gene models {path}: no CDS belongs to a transcript (ID and Parent); give a GFF3 as "
            f"Ensembl, GENCODE or RefSeq write it"
        )
    codes = {name: code for name, code in reader.codes.items() if code not in _OF_STANDARD_AMINO_ACIDS}
    return GeneModels(path, names, genes, coding, _merged(reader.spans), _merged(reader.cds), codes, bare)


def _merged(spans: Mapping[str, Sequence[tuple[int, int]]]) -> dict[str, NDArray[np.int64]]:
    found = {}
    for contig, pairs in spans.items():
        regions = merge_regions(Region(contig, a, b) for a, b in pairs)
        found[contig] = np.array([(r.start, r.end) for r in regions], dtype=np.int64).reshape(-1, 2)
    return found


def write_csq_genes(models: GeneModels, output: Path, regions: Sequence[Region] | None) -> None:
    """Write what lies on the VCF's contigs (and in `regions`) as bcftools csq wants it.

    Contigs get the VCF's names; identifiers the prefixes, genes and transcripts the biotype that csq looks
    for. A part of several transcripts is written for each of them: csq knows one parent. A gene whose CDSs
    have no transcript gets one of its own name.
    """
    inside = None if regions is None else _merged(_by_contig(regions))
    with open(output, "wb") as out:
        out.write(b"##gff-version 3\n")
        for _, line in _lines(models.path):
            fields = line.split(b"\t")
            contig = models.names.get(fields[0].decode("ascii", "replace"))
            if contig is None:
                continue
            if inside is not None:
                start, end = np.array([int(fields[3]) - 1]), np.array([int(fields[4])])
                if not overlaps(inside.get(contig), start, end)[0]:
                    continue
            for kind, attributes in _csq_features(fields[2], fields[8], models.bare):
                out.write(b"\t".join([contig.encode(), fields[1], kind, *fields[3:8], attributes]) + b"\n")


def _by_contig(regions: Sequence[Region]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for region in regions:
        found.setdefault(region.contig, []).append((region.start, region.end))
    return found


def _csq_features(kind: bytes, text: bytes, bare: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """(type, attributes) of the lines that csq gets for a line of the GFF."""
    found = _attributes(text)
    if kind in _PARTS:
        parents = found.get(b"Parent", b"").split(b",")
        return [(_PARTS[kind], b"Parent=transcript:" + _bare(parent)) for parent in parents if parent]
    if kind in _NOT_TRANSCRIPTS or b"ID" not in found:
        return []
    biotype = b";biotype=" + _biotype(kind, found)
    name = _bare(found[b"ID"])
    if b"Parent" in found:
        return [(kind, b"ID=transcript:" + name + b";Parent=gene:" + _bare(found[b"Parent"]) + biotype)]
    shown = found.get(b"Name", found.get(b"gene_name", found.get(b"gene", name)))
    lines = [(kind, b"ID=gene:" + name + b";Name=" + shown + biotype)]
    if name in bare:
        lines.append((b"transcript", b"ID=transcript:" + name + b";Parent=gene:" + name + biotype))
    return lines
