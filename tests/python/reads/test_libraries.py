"""Several libraries in one sample's files: who is told apart, and that each read is judged by its own."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from deepcohort.core.region import Region
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.groups import NO_GROUP, LibraryKey, names_of
from deepcohort.reads.header import header_text_facts
from deepcohort.reads.libraries import header_word, library_line
from deepcohort.reads.load import open_reads
from deepcohort.reads.profile import profile_of
from deepcohort.reads.types import LibraryProfile, OwnLibrary

GROUPS = {
    "near": "@RG\tID:near\tSM:sample\tLB:N\tPL:illumina",
    "far": "@RG\tID:far\tSM:sample\tLB:F\tPL:ILLUMINA",
    "near2": "@RG\tID:near2\tSM:sample\tLB:N\tPL:ILLUMINA",
}
HEAD = "@HD\tVN:1.6\tSO:coordinate"
WHOLE = Region("one", 0, 6_000)
N, F = LibraryKey("N", "ILLUMINA", "sample"), LibraryKey("F", "ILLUMINA", "sample")


def pairs(group, n, seed, size, out=False, mapq=60):
    """SAM lines of `n` pairs over both contigs, about `size` bp, facing in or out."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n):
        contig, length = str(rng.choice(["one", "two"])), int(rng.normal(size, size / 12))
        pos = int(rng.integers(1, 5_900 - length))
        flags = (83, 163) if out else (99, 147)
        for flag, at, tlen in zip(flags, (pos, pos + length - 60), (length, -length), strict=True):
            seq = "".join(rng.choice(list("ACGT"), 60))
            fields = [f"{group}{k}", flag, contig, at, mapq, "60M", "=", 1, tlen, seq, "I" * 60]
            lines.append("\t".join(map(str, fields)) + (f"\tRG:Z:{group}" if group else ""))
    return lines


NEAR, FAR = pairs("near", 800, 1, 300), pairs("far", 700, 2, 1_800, out=True, mapq=42)


@pytest.fixture
def mixture(write_reads):
    """Files of the same two unlike libraries: one BAM, two that share them by name or by library, a CRAM."""
    both = NEAR + FAR
    odd = [line for line in both if int(line.split("\t")[0].strip("nearf")) % 2]
    even = [line for line in both if line not in set(odd)]
    header = (HEAD, GROUPS["near"], GROUPS["far"])
    return {
        "bam": [write_reads(both, "both.bam", header=header)],
        "cram": [write_reads(both, "both.cram", header=header)],
        "by name": [
            write_reads(odd, "odd.bam", header=header),
            write_reads(even, "even.bam", header=header),
        ],
        "by library": [
            write_reads(FAR, "far.bam", header=(HEAD, GROUPS["far"])),
            write_reads(NEAR, "near.cram", header=(HEAD, GROUPS["near"])),
        ],
    }


def test_libraries_of_read_groups():
    text = "\n".join([*GROUPS.values(), "@RG\tID:x\tSM:other", "@RG\tID:N\tPL:ONT\tSM:sample\tLB: "])
    groups, libraries, _, _ = header_text_facts(text)
    assert groups[3] == ("x", "other")
    assert libraries == (N, F, N, ("x", "", "other"), ("N", "ONT", "sample"))
    assert names_of(sorted({*libraries, NO_GROUP})) == [
        "no_read_group", "F", "N/ILLUMINA/sample", "N/ONT/sample", "x",
    ]  # fmt: skip


def test_a_profile_for_each_whatever_the_files(mixture, write_reads, reference_path):
    found = {name: profile_of(paths, reference_path, ReadsConfig())[0] for name, paths in mixture.items()}
    config = found["bam"]
    assert all(other == config for other in found.values())
    assert [(one.key, one.name, one.is_apart) for one in config.libraries] == [
        (F, "F", True),
        (N, "N", True),
    ]
    far, near = (one.profile for one in config.libraries)
    assert (near.n_reads, far.n_reads, config.library.n_reads) == (1_600, 1_400, 3_000)
    assert (near.typical_mapq, far.typical_mapq, config.library.typical_mapq) == (60, 42, 60)
    assert near.insert_bp[1] == pytest.approx(300, abs=10)
    assert far.insert_bp[1] == pytest.approx(1_800, abs=40)
    alone = profile_of(
        [write_reads(NEAR, "alone.bam", header=(HEAD, GROUPS["near"]))], reference_path, ReadsConfig()
    )
    assert alone[0].library == near
    assert alone[0].libraries == ()


def test_each_read_is_judged_by_its_own_library(write_reads, reference_path):
    """A pair as the other library has them, and MAPQs on two scales."""
    stray = pairs("near", 3, 9, 1_800, out=True)
    stray = [line.replace("near", "stray", 1) for line in stray]
    usual = pairs("far", 3, 9, 1_800, out=True, mapq=42)
    usual = [line.replace("far", "usual", 1) for line in usual]
    path = write_reads(NEAR + FAR + stray + usual, header=(HEAD, GROUPS["near"], GROUPS["far"]))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    pooled = replace(config, libraries=())
    with (
        open_reads([path], reference_path, config) as own,
        open_reads([path], reference_path, pooled) as all_,
    ):
        batch, before = own.fetch(WHOLE), all_.fetch(WHOLE)
    assert batch.name_hash.tolist() == before.name_hash.tolist()
    assert set(batch.mapq.tolist()) == {60}
    assert set(before.mapq.tolist()) == {42, 60}
    is_odd, was_odd = batch.odd == 1, before.odd == 1
    names = np.unique(batch.name_hash[is_odd & ~was_odd])
    assert len(before.library) == 0
    assert 1 <= len(names) <= 3  # those of `stray` on this contig
    assert (batch.library[np.isin(batch.name_hash, names)] == 2).all()  # of N, the second in order
    assert not is_odd[batch.library == 1].any()
    assert config.library.odd_share == pytest.approx(6 / len(NEAR + FAR + stray + usual), abs=1e-9)


def test_the_same_reads_however_regions_and_files_are_cut(mixture, reference_path):
    config = profile_of(mixture["bam"], reference_path, ReadsConfig())[0]
    rows = {}
    for name, paths in mixture.items():
        with open_reads(paths, reference_path, config) as source:
            cuts = [0, 1_003, 1_004, 2_950, 4_111, 6_000] if name != "bam" else [0, 6_000]
            batches = [source.fetch(Region("one", a, b)) for a, b in pairwise(cuts)]
        columns = ("pos", "end", "mapq", "flag", "odd", "name_hash", "library")
        rows[name] = {
            row for b in batches for row in zip(*(getattr(b, c).tolist() for c in columns), strict=True)
        }
    assert len(rows["bam"]) > 1_000
    assert all(found == rows["bam"] for found in rows.values())


def test_libraries_that_are_alike_change_nothing(write_reads, reference_path):
    """Read groups of one library, and of two that have the same reads, are taken as ever."""
    lines = NEAR[: len(NEAR) // 2]
    other = pairs("near", 800, 3, 300)
    other = [line.replace("near", "more", 1) for line in other]
    plain = write_reads(lines + other, "plain.bam", header=(HEAD, GROUPS["near"]))
    twin = [line.replace("RG:Z:near", "RG:Z:twin") for line in other]
    files = {
        "one library": write_reads(
            lines + [line.replace("RG:Z:near", "RG:Z:near2") for line in other],
            "one.bam",
            header=(HEAD, GROUPS["near"], GROUPS["near2"]),
        ),
        "alike": write_reads(
            lines + twin, "alike.bam", header=(HEAD, GROUPS["near"], "@RG\tID:twin\tSM:sample\tPL:ILLUMINA")
        ),
    }
    want = profile_of([plain], reference_path, ReadsConfig())[0]
    with open_reads([plain], reference_path, want) as source:
        expected = source.fetch(WHOLE)
    for name, path in files.items():
        config = profile_of([path], reference_path, ReadsConfig())[0]
        assert [one.name for one in config.libraries] == (["N", "twin"] if name == "alike" else [])
        assert (config.apart, replace(config, libraries=())) == ((), want)
        with open_reads([path], reference_path, config) as source:
            batch = source.fetch(WHOLE)
        for column in type(batch).__slots__:
            assert np.array_equal(getattr(batch, column), getattr(expected, column)), column


def test_few_reads_and_reads_without_a_group(write_reads, reference_path):
    """Too few reads tell of no library; those without a read group are one among several."""
    bare = pairs("", 40, 4, 1_800, out=True, mapq=42)
    path = write_reads(NEAR + bare, header=(HEAD, GROUPS["near"], GROUPS["far"]))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    assert [(one.name, one.profile.n_reads, one.is_apart) for one in config.libraries] == [
        ("no_read_group", 80, False),
        ("N", 1_600, False),
    ]
    only = replace(config, libraries=(), only=NO_GROUP)
    with open_reads([path], reference_path, only) as source:
        assert set(source.fetch(WHOLE).mapq.tolist()) == {42}


def test_libraries_of_the_sample_alone(write_reads, reference_path):
    """Of a file of two people, each with an own library, the other's does not count."""
    other = "@RG\tID:far\tSM:other\tLB:F\tPL:ILLUMINA"
    path = write_reads(NEAR + FAR, header=(HEAD, GROUPS["near"], other))
    for sample, n_reads, size in (("sample", 1_600, 300), ("other", 1_400, 1_800)):
        config = profile_of([path], reference_path, ReadsConfig(sample=sample))[0]
        assert (config.libraries, config.library.n_reads) == ((), n_reads)
        assert config.library.insert_bp[1] == pytest.approx(size, abs=40)


def test_copies_are_of_one_library(write_reads, reference_path):
    """Pairs of the same ends: five of a library that is full of such, and one of another that is not."""
    copied = []
    for k in range(5):
        copied += [line.replace("near", f"c{k}_", 1).replace("RG:Z:near", "RG:Z:far") for line in NEAR]
    # ends of another library's fragments at the places of NEAR's
    apart = [line.replace("near", "d", 1) for line in NEAR[:200]]
    fresh = pairs("near", 700, 8, 300)
    fresh += [line.replace("near", "e", 1) for line in fresh[:80]]  # few copies, which stay
    path = write_reads(copied + apart + fresh, header=(HEAD, GROUPS["near"], GROUPS["far"]))
    config = profile_of([path], reference_path, ReadsConfig())[0]
    drops = {one.name: one.profile.drops_copies for one in config.libraries}
    assert drops == {"F": True, "N": False}
    with open_reads([path], reference_path, config) as source:
        batch = source.fetch(WHOLE)
    number = {one.name: k + 1 for k, one in enumerate(config.apart)}
    on_one = [line for line in apart + fresh if line.split("\t")[2] == "one"]
    assert (batch.library == number.get("N", 0)).sum() == len(on_one)
    once = {tuple(line.split("\t")[k] for k in (1, 2, 3, 8)) for line in NEAR if line.split("\t")[2] == "one"}
    assert (batch.library == number.get("F", 0)).sum() == len(once)


def test_a_header_line():
    name = 'lib 1,"x";=%<é>'
    word = header_word(name)
    assert word == "lib%201%2C%22x%22%3B%3D%25%3C%C3%A9%3E"
    assert header_word("A-b_c.1:/+") == "A-b_c.1:/+"
    profile = LibraryProfile(n_reads=250, read_length_bp=100, typical_mapq=42, insert_bp=(1, 2, 3))
    own = OwnLibrary(LibraryKey(name, "", "s"), name, profile, True, True)
    line = library_line(own, 1_000, {"Slips": "1.0"})
    assert line.startswith(f"<ID={word},Platform=unknown,Share=0.250,Reads=250,ReadLength=100,")
    assert line.endswith(",Slips=1.0,EndsClipped=yes,Profile=own>")
    assert "Inserts=1-2-3" in line
