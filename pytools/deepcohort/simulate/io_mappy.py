"""minimap2 through mappy: long reads, and short pairs as an alternative to bwa."""

from pathlib import Path

import mappy
import pysam

from deepcohort.simulate.io_pairs import Group, finish_pairs, link_mates
from deepcohort.simulate.sequence_text import read_texts
from deepcohort.simulate.types import RawReads

UNMAPPED, REVERSE, SUPPLEMENTARY = 0x4, 0x10, 0x800
PRESETS = {"illumina": "sr", "hifi": "map-hifi", "ont": "lr:hq"}
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


class MappyAligner:
    """minimap2 with the preset of a platform."""

    def __init__(self, fasta: Path, platform: str, lengths: dict[str, int], decoys: dict[str, int]) -> None:
        """Index `fasta`, which holds the contigs of `lengths`, then `decoys`."""
        preset = PRESETS[platform]
        self.program = ("minimap2", f"minimap2 -x {preset}, through mappy {mappy.__version__}")
        # one thread: samples run in processes of their own
        self._aligner = mappy.Aligner(str(fasta), preset=preset, n_threads=1)
        everything = lengths | decoys
        self._contig = {name: i for i, name in enumerate(everything)}
        self._n_contigs = len(lengths)
        self._header = pysam.AlignmentHeader.from_references(list(everything), list(everything.values()))

    def align(self, reads: RawReads) -> Group:
        """Records of all reads, supplementary ones too; none on decoys."""
        seq, qual = read_texts(reads)
        offset = reads.offset.tolist()
        if reads.paired:
            groups: list[Group] = []
            for i in range(0, len(reads) - 1, 2):
                a, b, c = offset[i : i + 3]
                groups += self._pair(reads.names[i], (seq[a:b], seq[b:c]), (qual[a:b], qual[b:c]))
            return finish_pairs(groups, reads.duplicate, self._n_contigs)
        records: Group = []
        for name, a, b in zip(reads.names, offset, offset[1:], strict=False):
            records += self._single(name, seq[a:b], qual[a:b])
        return records

    def _single(self, name: str, seq: str, qual: str) -> Group:
        """Records of one read, the primary first; [] if it belongs to a decoy."""
        hits = [h for h in self._aligner.map(seq, MD=True) if h.is_primary]
        if hits and self._contig[hits[0].ctg] >= self._n_contigs:
            return []
        hits = [h for h in hits if self._contig[h.ctg] < self._n_contigs]
        return self._records(name, seq, qual, hits)

    def _pair(self, name: str, seqs: tuple[str, str], quals: tuple[str, str]) -> tuple[Group, Group]:
        """Records of both mates, mapped with regard to each other."""
        hits = [h for h in self._aligner.map(*seqs) if h.is_primary]
        first, second = (
            self._records(name, seqs[k], quals[k], [h for h in hits if h.read_num == k + 1]) for k in range(2)
        )
        link_mates(first, second)
        return first, second

    def _records(self, name: str, seq: str, qual: str, hits: list) -> Group:
        if not hits:
            record = pysam.AlignedSegment(self._header)
            record.query_name, record.flag = name, UNMAPPED
            record.query_sequence = seq
            record.query_qualities = pysam.qualitystring_to_array(qual)
            return [record]
        backward = seq.translate(_COMPLEMENT)[::-1]
        records = []
        for i, hit in enumerate(hits):
            record = pysam.AlignedSegment(self._header)
            record.query_name = name
            record.flag = (REVERSE if hit.strand < 0 else 0) | (SUPPLEMENTARY if i else 0)
            record.reference_id = self._contig[hit.ctg]
            record.reference_start = hit.r_st
            record.mapping_quality = hit.mapq
            record.cigartuples = _cigar(hit, len(seq))
            record.query_sequence = backward if hit.strand < 0 else seq
            record.query_qualities = pysam.qualitystring_to_array(qual[::-1] if hit.strand < 0 else qual)
            record.set_tags([("NM", hit.NM, "i")] + ([("MD", hit.MD, "Z")] if hit.MD else []))
            records.append(record)
        if len(records) > 1:
            texts = [_sa(r) for r in records]
            for i, record in enumerate(records):
                record.set_tag("SA", "".join(t for k, t in enumerate(texts) if k != i))
        return records


def _cigar(hit: mappy.Alignment, size: int) -> list[tuple[int, int]]:
    """CIGAR with soft clips, in the orientation of the reference."""
    left, right = hit.q_st, size - hit.q_en
    # minimap2 maps mate 2 reverse-complemented; mappy turns the strand back, not q_st and q_en
    if (hit.strand < 0) != (hit.read_num == 2):
        left, right = right, left
    core = [(op, n) for n, op in hit.cigar]
    return ([(4, left)] if left else []) + core + ([(4, right)] if right else [])


def _sa(r: pysam.AlignedSegment) -> str:
    strand = "-" if r.is_reverse else "+"
    return (
        f"{r.reference_name},{r.reference_start + 1},{strand},{r.cigarstring},"
        f"{r.mapping_quality},{r.get_tag('NM')};"
    )
