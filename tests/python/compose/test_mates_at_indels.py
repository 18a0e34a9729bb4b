"""Indels where an overlapping mate ends: the mate that goes on must keep what tells it from the reference.

Overlapping mates vote once per base, so one of them has no quality there. Where the mate that ends at
the indel had the better (or the first) say, the other lost one flank, and with it the indel.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest
from deepcohort.candidates.config import CandidatesConfig
from deepcohort.candidates.find import find_candidates
from deepcohort.compose.call_shard import ShardConfig
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.model.load import load_predictor
from deepcohort.reads.load import open_reads
from test_call_shard import called, make_inputs, run

LENGTH, BEFORE = 100, 50  # bp of a read, and of the one over the indel before its anchor


def text(seed: int, n: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), n))


# the bases beside the repeats are none of theirs
LEFT, RIGHT = text(1, 299) + "G", "T" + text(2, 299)


@dataclass(frozen=True)
class Case:
    """LEFT + tract + RIGHT, of which half of the fragments lack `deleted` bp of the tract or have `inserted` more.

    The other mate ends `behind` bp behind the anchor, or begins there; `ends` is the phred character of its bases.
    """

    tract: str = ""
    deleted: int = 0
    inserted: str = ""
    behind: int = 0
    begins: bool = False
    ends: str = "I"
    right: str = field(default=RIGHT, repr=False)

    @property
    def reference(self) -> str:
        return LEFT + self.tract + self.right

    def fragment(self, number: int) -> list[tuple[int, str, str, str]]:
        """(0-based start, CIGAR, SEQ, QUAL) of the mate over the indel, and of the other."""
        alternate = LEFT + self.inserted + self.tract[self.deleted :] + self.right
        sequence, cigar = self.reference, f"{LENGTH}M"
        start = len(LEFT) - BEFORE - number % 5
        before = len(LEFT) - start
        if number % 2:
            sequence = alternate
            change = f"{self.deleted}D" if self.deleted else f"{len(self.inserted)}I"
            cigar = f"{before}M{change}{LENGTH - before - len(self.inserted)}M"
        other = len(LEFT) + self.behind - (0 if self.begins else LENGTH)
        return [
            (start, cigar, sequence[start : start + LENGTH], "I" * LENGTH),
            (other, f"{LENGTH}M", self.reference[other : other + LENGTH], self.ends * LENGTH),
        ]

    def call(self) -> tuple[int, str, str, str]:
        ref, alt = "G" + self.tract[: self.deleted], "G" + self.inserted
        return len(LEFT), ref, alt, "0/1"


CASES = {
    "deletion at the end": Case("CA", deleted=2),
    "insertion at the end": Case(inserted="CA"),
    "end within a run": Case("A" * 8, deleted=1, behind=4),
    "insertion, end within a run": Case("A" * 8, inserted="A", behind=7),
    "end within a repeat": Case("CA" * 8, deleted=2, behind=9),
    "begin within a run": Case("A" * 8, deleted=1, behind=5, begins=True),
    "begin behind a run": Case("A" * 8, inserted="A", behind=8, begins=True),
    "better qualities at the end": Case("CA", deleted=2, ends="J"),
    "worse qualities at the end": Case("CA", deleted=2, ends="5"),
}


def inputs(folder, case: Case, fragments: int = 40):
    lines = []
    for number in range(fragments):
        over, other = case.fragment(number)
        # as the aligner would: the mate that begins first is the forward one
        first, second = sorted((over, other), key=lambda read: read[0])
        span = second[0] + LENGTH - first[0]
        for flag, (pos, cigar, seq, qual), mate in ((99, first, second), (147, second, first)):
            sign = 1 if flag == 99 else -1
            lines.append(
                f"f{number}\t{flag}\tc\t{pos + 1}\t60\t{cigar}\t=\t{mate[0] + 1}\t{sign * span}\t{seq}\t{qual}\tRG:Z:1"
            )
    return make_inputs(folder, case.reference, sorted(lines, key=lambda line: int(line.split("\t")[3])))


@pytest.fixture(scope="module")
def predictor():
    return load_predictor("auto", platform="illumina", device="cpu")


@pytest.mark.parametrize("name", CASES)
def test_called_with_all_its_reads(name: str, tmp_path, predictor):
    case = CASES[name]
    reference, bam = inputs(tmp_path, case)
    whole = [Region("c", 0, len(case.reference))]
    gvcf, vcf = run(tmp_path, reference, bam, whole, predictor=predictor)
    assert called(vcf) == [case.call()]
    small = run(
        tmp_path, reference, bam, whole, name="small", predictor=predictor,
        shard_config=ShardConfig(max_chunk_bp=97, min_chunk_bp=30),
    )  # fmt: skip
    assert [path.read_bytes() for path in small] == [gvcf.read_bytes(), vcf.read_bytes()]


@pytest.mark.parametrize("name", CASES)
def test_fragments_vote_once(name: str, tmp_path):
    """Every fragment at the indel, one quality per fragment and base, and both bases beside the indel count."""
    case = CASES[name]
    reference, bam = inputs(tmp_path, case)
    whole = Region("c", 0, len(case.reference))
    with open_reads([bam], reference) as source, ReferenceFasta(reference) as fasta:
        evidence = find_candidates(
            source.fetch(whole), fasta.fetch_codes(whole), whole, whole, CandidatesConfig()
        )
    assert evidence.table.ad.tolist() == [[20, 20]]
    reads, support = evidence.reads, evidence.support
    for entry in np.flatnonzero(support.allele >= 0):
        at = int(reads.seq_offset[support.read[entry]] + support.read_index[entry])
        assert min(reads.qual[at : at + 2]) >= 20
    n = 0
    for row in range(len(reads)):
        other = int(reads.mate[row])
        if other > row and reads.pos[other] < reads.end[row]:
            mine, theirs = (
                reads.qual[reads.seq_offset[r] : reads.seq_offset[r + 1]] > 0 for r in (row, other)
            )
            lost = LENGTH * 2 - int(mine.sum() + theirs.sum())
            shared = min(reads.end[row], reads.end[other]) - max(reads.pos[row], reads.pos[other])
            # deleted bases are no bases: a mate over them keeps its own
            assert shared - case.deleted <= lost <= shared
            n += 1
    assert n == 40
