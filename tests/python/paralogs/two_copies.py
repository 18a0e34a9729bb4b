"""A genome with two near-identical copies, and a person whose copies exchanged some of their bases."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def turned(text: str) -> str:
    return text.translate(COMPLEMENT)[::-1]


def changed(text: str, places: dict[int, str]) -> str:
    out = list(text)
    for at, base in places.items():
        out[at] = base
    return "".join(out)


def other(rng: random.Random, base: str) -> str:
    return rng.choice([b for b in "ACGT" if b != base])


@dataclass(frozen=True)
class TwoCopies:
    """The reference text, where the copies begin, how long they are, whether the second is inverted, and
    where (offset within the copy) they differ."""

    text: str
    first: int
    second: int
    length: int
    inverted: bool
    differ: tuple[int, ...]

    def second_at(self, offset: int) -> int:
        return self.second + (self.length - 1 - offset if self.inverted else offset)


def two_copies(seed: int, inverted: bool, length: int = 3_000, identity: float = 0.985) -> TwoCopies:
    rng = random.Random(seed)
    flanks = ["".join(rng.choices("ACGT", k=9_000)) for _ in range(3)]
    copy = "".join(rng.choices("ACGT", k=length))
    differ = tuple(sorted(rng.sample(range(20, length - 20), round(length * (1 - identity)))))
    relative = changed(copy, {k: other(rng, copy[k]) for k in differ})
    text = flanks[0] + copy + flanks[1] + (turned(relative) if inverted else relative) + flanks[2]
    return TwoCopies(text, 9_000, 18_000 + length, length, inverted, differ)


def taken_over(genome: TwoCopies, offsets: range) -> tuple[str, dict[int, tuple[str, str]]]:
    """A haplotype whose first copy has the second's bases at these offsets; and its SNPs."""
    snps = {}
    for offset in genome.differ:
        if offset in offsets:
            a, b = genome.first + offset, genome.second_at(offset)
            alt = genome.text[b].translate(COMPLEMENT) if genome.inverted else genome.text[b]
            snps[a] = (genome.text[a], alt)
    return changed(genome.text, {p: alt for p, (_, alt) in snps.items()}), snps


def converted(genome: TwoCopies, seed: int, share: float) -> tuple[str, dict[int, tuple[str, str]]]:
    """A haplotype where at a share of the places that differ each copy has the other's base.

    And its SNPs, by position: (REF, ALT).
    """
    rng = random.Random(seed)
    snps = {}
    for offset in genome.differ:
        if rng.random() < share:
            a, b = genome.first + offset, genome.second_at(offset)
            primary, paralog = genome.text[a], genome.text[b]
            if genome.inverted:
                snps[a], snps[b] = (
                    (primary, paralog.translate(COMPLEMENT)),
                    (paralog, primary.translate(COMPLEMENT)),
                )
            else:
                snps[a], snps[b] = (primary, paralog), (paralog, primary)
    return changed(genome.text, {p: alt for p, (_, alt) in snps.items()}), snps


def write_reads(
    folder: Path, genome: TwoCopies, haplotypes: Sequence[str], seed: int, depth: int, stop: int | None = None
) -> tuple[Path, Path]:
    """Error-free pairs of 2 x 100 of the `haplotypes` in turn, left of `stop`, placed where they fit `genome` best, as an aligner does.

    A pair may lie where it comes from, or at the like place of the other copy; ties are tossed, and MAPQ
    is 4 times the difference in mismatches.
    """
    rng = np.random.default_rng(seed)
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "c", "LN": len(genome.text)}],
        "RG": [{"ID": "r", "SM": "s"}],
    }
    reference, bam = folder / "ref.fa", folder / "reads.bam"
    reference.write_text(f">c\n{genome.text}\n")
    pysam.faidx(str(reference))
    made = []
    for number in range(depth * len(genome.text) // 200):
        start, size = int(rng.integers(0, len(genome.text) - 500)), int(rng.integers(300, 450))
        haplotype = haplotypes[number % len(haplotypes)]
        if stop is not None and start + size > stop:
            continue
        places = [(start, False), *_like_place(genome, start, size)]
        ends = ((start, False), (start + size - 100, True))
        texts = [haplotype[a : a + 100] for a, _ in ends]
        scores = [sum(_mismatches(genome, texts, ends, place, size)) for place in places]
        order = np.lexsort((rng.random(len(places)), scores))
        mapq = 60 if len(places) == 1 else min(60, 4 * (scores[order[1]] - scores[order[0]]))
        made += _pair(number, places[order[0]], ends, texts, size, int(mapq))
    made.sort(key=lambda r: r["pos"])
    with pysam.AlignmentFile(bam, "wb", header=header) as out:
        for row in made:
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.query_sequence = row["name"], row["seq"]
            read.query_qualities = pysam.qualitystring_to_array("I" * 100)
            read.flag, read.reference_id, read.reference_start = row["flag"], 0, row["pos"]
            read.mapping_quality, read.cigarstring = row["mapq"], "100M"
            read.next_reference_id, read.next_reference_start = 0, row["mate"]
            read.template_length = row["tlen"]
            read.set_tag("RG", "r")
            out.write(read)
    pysam.index(str(bam))
    return bam, reference


def _like_place(genome: TwoCopies, start: int, size: int) -> list[tuple[int, bool]]:
    """Where else a fragment that lies wholly in one copy could go: (start, whether turned)."""
    for own, far in ((genome.first, genome.second), (genome.second, genome.first)):
        if own <= start and start + size <= own + genome.length:
            offset = start - own
            if genome.inverted:
                return [(far + genome.length - offset - size, True)]
            return [(far + offset, False)]
    return []


def _placed(place: tuple[int, bool], begin: int, size: int, start: int) -> int:
    """Where a read that begins at `begin` of the fragment at `start` goes with the fragment."""
    to, turn = place
    return to + size - (begin - start) - 100 if turn else to + begin - start


def _mismatches(genome, texts, ends, place, size):
    start = ends[0][0]
    for (begin, _), text in zip(ends, texts, strict=True):
        at = _placed(place, begin, size, start)
        shown = turned(text) if place[1] else text
        yield sum(a != b for a, b in zip(shown, genome.text[at : at + 100], strict=True))


def _pair(number, place, ends, texts, size, mapq):
    start = ends[0][0]
    at = [_placed(place, begin, size, start) for begin, _ in ends]
    rows = []
    for k in (0, 1):
        is_reverse = ends[k][1] != place[1]
        flag = 0x1 | 0x2 | (0x10 if is_reverse else 0x20) | (0x40 if k == 0 else 0x80)
        seq = turned(texts[k]) if place[1] else texts[k]
        tlen = size if at[k] < at[1 - k] else -size
        rows.append(
            {
                "name": f"p{number}",
                "seq": seq,
                "flag": flag,
                "pos": at[k],
                "mapq": mapq,
                "mate": at[1 - k],
                "tlen": tlen,
            }
        )
    return rows
