"""The index beside a bgzipped VCF, held against it."""

from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.formats.tabix import VCF_COLUMNS
from deepcohort.formats.vcf_header import first_record


def open_vcf_index(path: Path, role: str = "") -> HtsIndex:
    """The .tbi or .csi beside `path`, which fits it.

    Args:
        role: what the file is to the user ("truth"); stands before its name in messages.

    Raises:
        DeepcohortError: there is none, it cannot be read, or it is not that of this file.
    """
    found = _beside(path)
    if found is None:
        named = f"{role} {path}" if role else f"{path}"
        raise DeepcohortError(f"{named} is not indexed; run: tabix -p vcf {path}")
    index = HtsIndex(found, f"run: tabix -f -p vcf {path}")
    if not index.names and index.n_contigs:
        raise DeepcohortError(f"index {found} names no contigs: it is no VCF's; run: tabix -f -p vcf {path}")
    if index.names and index.columns != VCF_COLUMNS:
        raise DeepcohortError(
            f"index {found} is of other columns than a VCF's, so no record would be found; "
            f"run: tabix -f -p vcf {path}"
        )
    index.check_bounds()
    index.check_fits(path, first_record(path))
    return index


def check_index_beside(path: Path, is_bcf: bool = False) -> None:
    """See that the index beside `path`, if there is one, is sound: htslib crashes on some damaged ones.

    Raises:
        DeepcohortError: it is damaged, or not that of this file.
    """
    found = _beside(path)
    if found is None:
        return
    if is_bcf:
        HtsIndex(found, f"run: bcftools index -f {path}")
    else:
        open_vcf_index(path)


def _beside(path: Path) -> Path | None:
    return next((p for s in (".tbi", ".csi") if (p := Path(f"{path}{s}")).exists()), None)
