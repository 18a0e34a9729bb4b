"""Alleles that genotyping leaves out, counted so that it can be said."""

from dataclasses import dataclass

import numpy as np

from deepcohort.core.region import Region
from deepcohort.joint import columns as c
from deepcohort.joint.allele_kernels import find_left_out
from deepcohort.joint.window import CohortRecords


@dataclass(slots=True)
class LeftOut:
    """Breakends and symbolic alleles but `<NON_REF>` and `<*>`: how many, and the place of the first."""

    n_alleles: int = 0
    first: str = ""

    def add(self, records: CohortRecords, window: Region) -> None:
        """Count those of records with POS in `window`; windows come in order."""
        text = records.allele_text
        others = np.count_nonzero((records.records[:, c.KIND] == c.VARIANT) & (records.records[:, c.X] > 0))
        if np.count_nonzero(text == ord("<")) <= others and not any((text == byte).any() for byte in b"[]."):
            return  # the usual case, without a kernel to load
        n, pos = find_left_out(records.records, records.allele_text, window.start, window.end)
        if n and not self.n_alleles:
            self.first = f"{window.contig}:{pos + 1}"
        self.n_alleles += n

    def warnings(self) -> list[str]:
        """What to tell, at most one line."""
        if not self.n_alleles:
            return []
        return [
            f"{self.n_alleles} breakends or other symbolic alleles of the gVCFs are left out, the first at "
            f"{self.first}; genotype structural variants with a tool made for them"
        ]
