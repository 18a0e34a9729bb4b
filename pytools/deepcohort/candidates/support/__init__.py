"""What each read says at each candidate."""

from deepcohort.candidates.support.weigh import weigh_reads

__all__ = ["weigh_reads"]
