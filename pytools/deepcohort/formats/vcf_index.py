"""The index beside a bgzipped VCF, held against it."""

from pathlib import Path

from deepcohort.core.errors import DeepcohortError
from deepcohort.formats.hts_index import HtsIndex
from deepcohort.formats.vcf_header import first_record


def open_vcf_index(path: Path, role: str = "") -> HtsIndex:
    """The .tbi or .csi beside `path`, which fits it.

    Args:
        role: what the file is to the user ("truth"); stands before its name in messages.

    Raises:
        DeepcohortError: there is none, it cannot be read, or it is not that of this file.
    """
    found = next((p for s in (".tbi", ".csi") if (p := Path(f"{path}{s}")).exists()), None)
    if found is None:
        named = f"{role} {path}" if role else f"{path}"
        raise DeepcohortError(f"{named} is not indexed; run: tabix -p vcf {path}")
    index = HtsIndex(found, f"run: tabix -f -p vcf {path}")
    if not index.names and index.n_contigs:
        raise DeepcohortError(f"index {found} names no contigs: it is no VCF's; run: tabix -f -p vcf {path}")
    index.check_fits(path, first_record(path))
    return index
