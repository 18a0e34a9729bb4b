"""Facts of the human genome: contigs that are no autosomes, and pseudo-autosomal regions."""

X_NAMES = frozenset(("X", "chrX"))
Y_NAMES = frozenset(("Y", "chrY"))
MITOCHONDRIAL_NAMES = frozenset(("M", "MT", "chrM", "chrMT"))

# Pseudo-autosomal regions, 0-based half-open, by contig and its length (Genome Reference Consortium)
_PAR = {
    ("X", 155_270_560): ((60_000, 2_699_520), (154_931_043, 155_260_560)),  # GRCh37
    ("X", 156_040_895): ((10_000, 2_781_479), (155_701_382, 156_030_895)),  # GRCh38
    ("Y", 59_373_566): ((10_000, 2_649_520), (59_034_049, 59_363_566)),  # GRCh37
    ("Y", 57_227_415): ((10_000, 2_781_479), (56_887_902, 57_217_415)),  # GRCh38
}


def short_name(contig: str) -> str:
    """The name in capitals and without `chr` before it: chr1 and 1 are 1, chrX and x are X."""
    return contig.upper().removeprefix("CHR")


def sex_chromosome(contig: str) -> str:
    """ "X", "Y" or "" for a contig name, whatever its case."""
    name = short_name(contig)
    return name if name in ("X", "Y") else ""


def is_of_both_parents(contig: str) -> bool:
    """Whether everybody has one copy of the father and one of the mother: not X, Y, mitochondria."""
    return not sex_chromosome(contig) and contig not in MITOCHONDRIAL_NAMES


def is_numbered(contig: str) -> bool:
    """Whether it is an autosome by its name: a number, with or without `chr`."""
    name = short_name(contig)
    return name.isascii() and name.isdigit()


def other_naming(contig: str) -> str:
    """The name that the other convention gives: chr1 for 1, 1 for chr1."""
    return contig.removeprefix("chr") if contig.startswith("chr") else f"chr{contig}"


def pseudo_autosomal(contig: str, length: int) -> tuple[tuple[int, int], ...]:
    """Pseudo-autosomal (start, end) of X or Y, bp, 0-based half-open.

    Known for GRCh37 and GRCh38, told by the contig's length; of other assemblies and contigs, none.
    """
    return _PAR.get((sex_chromosome(contig), length), ())
