"""Alleles of a VCF's genotypes in the form in which reads are weighed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepcohort.candidates.select import Alleles
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.region import Region
from deepcohort.core.sequence import encode_bases
from deepcohort.haplotag.config import HaplotagConfig
from deepcohort.haplotag.sites import SampleSites
from deepcohort.known.spelling import Change, changes_of, is_sequence, to_alleles

NONE, UNKNOWN = -1, -2


def change_of(pos: int, ref: str, alt: str, reference: NDArray[np.uint8]) -> Change | None:
    """REF -> ALT as one SNP or indel, anchored and left-aligned; of several SNPs the first.

    Args:
        pos: of the first REF base, an index into `reference` (uint8 codes), whose bases REF holds.

    Returns:
        None where there is no room for an anchor base, or nothing changes.
    """
    n, m, head = len(ref), len(alt), 0
    while n > 1 and m > 1 and ref[n - 1] == alt[m - 1]:
        n, m = n - 1, m - 1
    while head < min(n, m) - 1 and ref[head] == alt[head]:
        head += 1
    ref, alt, pos = ref[head:n], alt[head:m], pos + head
    if len(ref) == len(alt) or (ref[0] == alt[0] and min(len(ref), len(alt)) == 1):
        changes = changes_of(pos, ref, alt, reference)
        return changes[0] if changes else None
    codes = encode_bases(alt).tobytes()
    if ref[0] == alt[0]:
        return pos, len(ref), codes
    return None if pos == 0 else (pos - 1, len(ref) + 1, bytes([reference[pos - 1]]) + codes)


def alleles_of(
    sites: SampleSites,
    rows: NDArray[np.int64],
    reference: NDArray[np.uint8],
    window: Region,
    config: HaplotagConfig,
) -> tuple[Alleles, NDArray[np.int64]]:
    """Alleles of the genotypes `rows`, and where those of each stand among them.

    Args:
        reference: uint8 codes of `window`, which holds these records.

    Returns:
        alleles, positions relative to the window; int64 (n, 2): of the lower and the higher allele of each
        genotype the row, NONE for REF, UNKNOWN where an allele is no sequence or too long.

    Raises:
        DeepcohortError: REF is not the reference's.
    """
    named: list[list[Change | int]] = []
    for row in rows.tolist():
        texts = sites.alleles[row].decode().split(",")
        pair = sorted(sites.gt[row].tolist())
        named.append([_one(sites, row, texts, allele, reference, window, config) for allele in pair])
    alleles = to_alleles(x for pair in named for x in pair if not isinstance(x, int))
    text, offset = alleles.alt_seq.tobytes(), alleles.alt_offset.tolist()
    keys = zip(alleles.pos.tolist(), alleles.ref_len.tolist(), strict=True)
    at = {(pos, n, text[offset[i] : offset[i + 1]]): i for i, (pos, n) in enumerate(keys)}
    found = [[x if isinstance(x, int) else at[x] for x in pair] for pair in named]
    return alleles, np.array(found, np.int64).reshape(-1, 2)


def _one(
    sites: SampleSites,
    row: int,
    texts: Sequence[str],
    allele: int,
    reference: NDArray[np.uint8],
    window: Region,
    config: HaplotagConfig,
) -> Change | int:
    """The change that an allele of a genotype makes, NONE or UNKNOWN."""
    ref, at = texts[0].upper(), int(sites.pos[row]) - window.start
    if is_sequence(ref) and not np.array_equal(encode_bases(ref), reference[at : at + len(ref)]):
        if at + len(ref) > len(reference):
            return UNKNOWN
        raise DeepcohortError(
            f"REF at {sites.contig}:{sites.pos[row] + 1} of the phased VCF is {ref[:20]}, which is not the "
            "reference's; give the VCF that was called on this reference"
        )
    if allele == 0:
        return NONE
    alt = texts[allele].upper() if allele < len(texts) else ""
    if not is_sequence(ref) or not is_sequence(alt) or max(len(ref), len(alt)) > config.max_allele_bp:
        return UNKNOWN
    change = change_of(at, ref, alt, reference)
    return UNKNOWN if change is None else change
