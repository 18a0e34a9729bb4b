"""What a VCF record of any caller says: alleles and genotype."""

from collections.abc import Sequence

from deepcohort.filter.alleles import RecordAlleles


def parse_record(fields: Sequence[bytes]) -> RecordAlleles:
    """Alleles of a record's fields, those that its genotypes (if any) hold, and how often.

    Copies are told of one-sample files alone.
    """
    alts = tuple(fields[4].decode().split(","))
    held: set[int] = set()
    copies: dict[int, int] = {}
    if len(fields) > 9 and fields[8].startswith(b"GT"):
        for sample in fields[9:]:
            copies = alt_copies(sample.split(b":", 1)[0], len(alts))
            held.update(copies)
    called = tuple(sorted(held)) or tuple(range(len(alts)))
    known = bool(held) and len(fields) == 10
    told = tuple(copies.get(k, -1) if known else -1 for k in called)
    return RecordAlleles(int(fields[1]) - 1, fields[3].decode(), alts, called, told)


def alt_copies(genotype: bytes, n_alts: int) -> dict[int, int]:
    """Copies (1, 2) of each ALT (from 0) that a GT holds; -1 where the GT does not say.

    A haploid ALT counts as two copies: reads look like those of a homozygote. Of half-calls and of
    more than two copies nothing is said.
    """
    alleles = genotype.replace(b"|", b"/").split(b"/")
    held = [int(a) - 1 for a in alleles if a.isdigit() and 0 < int(a) <= n_alts]
    if len(alleles) > 2 or not all(a.isdigit() for a in alleles):
        return dict.fromkeys(held, -1)
    return {k: held.count(k) + (len(alleles) == 1) for k in held}


def is_snp(record: RecordAlleles) -> bool:
    """Whether every called ALT has the length of REF."""
    return all(len(record.alts[k]) == len(record.ref) for k in record.called)
