"""Local realignment: reads to the haplotypes that a window's own alleles make up."""

from deepcohort.candidates.realign.realignment import Realignment

__all__ = ["Realignment"]
