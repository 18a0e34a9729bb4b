"""Reads of two near-identical copies that exchanged some of their bases."""

import numpy as np
import pytest
from deepcohort.candidates.find import find_candidates
from deepcohort.core.io import ReferenceFasta
from deepcohort.core.region import Region
from deepcohort.paralogs.find import find_paralogs
from deepcohort.paralogs.place import PlacedReads
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.load import open_reads
from two_copies import converted, taken_over, two_copies, write_reads

CONFIG = ReadsConfig()


def wrong_genotypes(source, reference, genome, snps, copies=2):
    """SNPs of the two copies whose naive genotype is not what the person has: `copies` of `snps`, else none."""
    found = {}
    with ReferenceFasta(reference) as fasta:
        whole = Region("c", 0, len(genome.text))
        codes = fasta.fetch_codes(whole)
        evidence = find_candidates(source.fetch(whole), codes, whole, whole)
    table, support = evidence.table, evidence.support
    for row in range(len(table)):
        ratio = support.log10_ratio[support.offset[row] : support.offset[row + 1]].astype(float)
        het, hom = np.log10((1 + 10.0**ratio) / 2).sum() - 3.5, ratio.sum() - 3.8
        if max(het, hom) > 0:
            alt = "ACGT"[table.alt_seq[table.alt_offset[row]]]
            found[int(table.pos[row]), alt] = 2 if hom > het else 1
    true = {(pos, alt): copies for pos, (_, alt) in snps.items()}
    return sum(found.get(k, 0) != true.get(k, 0) for k in found.keys() | true.keys())


@pytest.fixture(scope="module", params=[False, True], ids=["direct", "inverted"])
def person(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    genome = two_copies(11, request.param)
    haplotype, snps = converted(genome, 12, 0.4)
    bam, reference = write_reads(folder, genome, [haplotype], 13, depth=30)
    links, _ = find_paralogs(reference, quiet=True)
    return genome, snps, bam, reference, links


def test_bases_that_the_copies_exchanged_are_called_on_both(person):
    genome, snps, bam, reference, links = person
    assert len(snps) > 20
    plain, placed = open_reads([bam], reference), PlacedReads([bam], reference, CONFIG, links)
    before = wrong_genotypes(plain, reference, genome, snps)
    after = wrong_genotypes(placed, reference, genome, snps)
    plain.close()
    placed.close()
    assert before >= 10
    assert after <= before // 5


def test_a_person_like_the_reference_stays_so(tmp_path):
    genome = two_copies(21, False)
    bam, reference = write_reads(tmp_path, genome, [genome.text], 22, depth=30)
    placed = PlacedReads([bam], reference, CONFIG, find_paralogs(reference, quiet=True)[0])
    assert wrong_genotypes(placed, reference, genome, {}) == 0


@pytest.mark.parametrize("inverted", [False, True])
def test_a_stretch_that_one_haplotype_took_over_stays_heterozygous(tmp_path, inverted):
    genome = two_copies(31, inverted)
    haplotype, snps = taken_over(genome, range(900, 2_100))
    assert len(snps) > 10
    bam, reference = write_reads(tmp_path, genome, [genome.text, haplotype], 32, depth=30)
    links = find_paralogs(reference, quiet=True)[0]
    with open_reads([bam], reference) as plain, PlacedReads([bam], reference, CONFIG, links) as placed:
        before = wrong_genotypes(plain, reference, genome, snps, copies=1)
        assert wrong_genotypes(placed, reference, genome, snps, copies=1) <= before


def test_a_copy_that_was_not_sequenced_moves_nothing(tmp_path):
    genome = two_copies(41, False)
    haplotype, snps = taken_over(genome, range(900, 2_100))
    bam, reference = write_reads(
        tmp_path, genome, [genome.text, haplotype], 42, depth=30, stop=genome.second - 500
    )
    links = find_paralogs(reference, quiet=True)[0]
    whole = Region("c", 0, len(genome.text))
    with open_reads([bam], reference) as plain, PlacedReads([bam], reference, CONFIG, links) as placed:
        first = Region("c", 0, genome.first + genome.length + 1_000)
        assert rows(placed.fetch(first), first) == rows(plain.fetch(first), first)
        assert snps
        assert whole.end > first.end


def rows(batch, region):
    inside = np.flatnonzero((batch.pos < region.end) & (batch.end > region.start))
    told = []
    for r in inside:
        cigar = slice(batch.cigar_offset[r], batch.cigar_offset[r + 1])
        seq = batch.seq[batch.seq_offset[r] : batch.seq_offset[r + 1]].tobytes()
        told.append(
            (int(batch.pos[r]), int(batch.name_hash[r]), int(batch.flag[r]), int(batch.mapq[r]), seq,
             batch.cigar_op[cigar].tobytes(), batch.cigar_len[cigar].tobytes())
        )  # fmt: skip
    return told


def test_where_regions_are_cut_does_not_show(person):
    genome, _, bam, reference, links = person
    whole = Region("c", 0, len(genome.text))
    source = PlacedReads([bam], reference, CONFIG, links)
    at_once = source.fetch(whole)
    assert rows(at_once, whole) != rows(open_reads([bam], reference).fetch(whole), whole)
    for step in (700, 2_048, 5_000):
        pieces = PlacedReads([bam], reference, CONFIG, links)
        for start in range(0, len(whole), step):
            piece = Region("c", start, min(start + step, len(whole)))
            assert rows(pieces.fetch(piece), piece) == rows(at_once, piece)
        pieces.close()
    # and backwards
    for start in range(25_000, 0, -5_000):
        piece = Region("c", start, start + 1_500)
        assert rows(source.fetch(piece), piece) == rows(at_once, piece)


def test_batches_are_in_order_and_whole(person):
    genome, _, bam, reference, links = person
    batch = PlacedReads([bam], reference, CONFIG, links).fetch(Region("c", 0, len(genome.text)))
    keys = list(zip(batch.pos.tolist(), batch.name_hash.tolist(), batch.flag.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    for r in range(len(batch)):
        cigar = slice(batch.cigar_offset[r], batch.cigar_offset[r + 1])
        op, length = batch.cigar_op[cigar], batch.cigar_len[cigar]
        assert length[np.isin(op, [0, 1, 4, 7, 8])].sum() == batch.seq_offset[r + 1] - batch.seq_offset[r]
        assert length[np.isin(op, [0, 2, 3, 7, 8])].sum() == batch.end[r] - batch.pos[r]
        if batch.mate[r] >= 0:
            assert batch.mate[batch.mate[r]] == r


def test_without_links_it_is_the_plain_source(person):
    genome, _, bam, reference, _ = person
    whole = Region("c", 0, len(genome.text))
    assert rows(PlacedReads([bam], reference, CONFIG, {}).fetch(whole), whole) == rows(
        open_reads([bam], reference).fetch(whole), whole
    )
