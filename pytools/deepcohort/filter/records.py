"""What a VCF record of any caller says: alleles and genotype."""

from collections.abc import Sequence

from deepcohort.filter.alleles import RecordAlleles


def parse_record(fields: Sequence[bytes]) -> RecordAlleles:
    """Alleles of a record's fields, those that its genotypes (if any) hold, and how often.

    Copies are told of one-sample files alone.
    """
    alts = tuple(fields[4].decode().split(","))
    counts: dict[int, int] = {}
    if len(fields) > 9 and fields[8].startswith(b"GT"):
        for sample in fields[9:]:
            genotype = sample.split(b":", 1)[0].replace(b"|", b"/")
            for allele in genotype.split(b"/"):
                if allele.isdigit() and 0 < int(allele) <= len(alts):
                    counts[int(allele) - 1] = counts.get(int(allele) - 1, 0) + 1
    called = tuple(sorted(counts)) or tuple(range(len(alts)))
    known = bool(counts) and len(fields) == 10
    copies = tuple(min(2, counts[k]) if known else -1 for k in called)
    return RecordAlleles(int(fields[1]) - 1, fields[3].decode(), alts, called, copies)


def is_snp(record: RecordAlleles) -> bool:
    """Whether every called ALT has the length of REF."""
    return all(len(record.alts[k]) == len(record.ref) for k in record.called)
