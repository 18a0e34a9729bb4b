"""The index written on the fly answers region queries as pysam's own does."""

import numpy as np
import pysam
import pytest
from deepcohort.formats.tabix import IndexedVcfWriter

HEADER = "##fileformat=VCFv4.3\n{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def random_records(rng, length, n):
    """Sorted (start, end) with blocks of very different lengths."""
    starts = np.sort(rng.integers(0, length - 1, n))
    spans = (10 ** rng.uniform(0, 6, n)).astype(np.int64)
    return [(int(s), int(min(length, s + span))) for s, span in zip(starts, spans, strict=True)]


def write(path, lengths, records, batch):
    contigs = "".join(f"##contig=<ID={name},length={length}>\n" for name, length in lengths.items())
    with IndexedVcfWriter(path, lengths) as writer:
        writer.write_header(HEADER.format(contigs=contigs))
        for name in lengths:
            for first in range(0, len(records[name]), batch):
                part = records[name][first : first + batch]
                texts = [f"{name}\t{s + 1}\t.\tA\t<NON_REF>\t.\t.\tEND={e}\n".encode() for s, e in part]
                begins = np.cumsum([0] + [len(t) for t in texts[:-1]])
                lines = np.array([(s, e, b) for (s, e), b in zip(part, begins, strict=True)], dtype=np.int64)
                writer.write_lines(name, b"".join(texts), lines)


@pytest.mark.parametrize(
    ("length", "suffix"), [(3_000_000, ".tbi"), (400_000_000, ".tbi"), (700_000_000, ".csi")]
)
def test_queries(tmp_path, length, suffix):
    rng = np.random.default_rng(length)
    lengths = {"a": length, "empty": 100, "b": 70_000}
    records = {"a": random_records(rng, length, 3_000), "empty": [], "b": random_records(rng, 70_000, 50)}
    path = tmp_path / "x.vcf.gz"
    write(path, lengths, records, 700)
    assert (tmp_path / f"x.vcf.gz{suffix}").exists()
    with pysam.TabixFile(str(path), index=f"{path}{suffix}") as file:
        assert list(file.contigs) == ["a", "b"]
        for _ in range(60):
            name = "a" if rng.random() < 0.8 else "b"
            start = int(rng.integers(0, lengths[name]))
            end = min(lengths[name], start + int(10 ** rng.uniform(0, 7)) + 1)
            got = [tuple(line.split("\t")[1::6]) for line in file.fetch(name, start, end)]
            want = [(str(s + 1), f"END={e}") for s, e in records[name] if s < end and e > start]
            assert got == want


def test_index_does_not_show_batches(tmp_path):
    rng = np.random.default_rng(3)
    lengths = {"a": 2_000_000}
    records = {"a": random_records(rng, 2_000_000, 9_000)}
    for batch in (1, 37, 9_000):
        write(tmp_path / f"{batch}.vcf.gz", lengths, records, batch)
    for suffix in ("", ".tbi"):
        texts = {(tmp_path / f"{batch}.vcf.gz{suffix}").read_bytes() for batch in (1, 37, 9_000)}
        assert len(texts) == 1


def test_record_counts_as_htslib_counts(tmp_path):
    lengths = {"a": 2_000_000}
    write(tmp_path / "x.vcf.gz", lengths, {"a": [(5, 6), (10, 500_000), (20, 21)]}, 2)
    with pysam.VariantFile(str(tmp_path / "x.vcf.gz")) as file:
        assert [record.start for record in file.fetch("a", 15, 25)] == [10, 20]


def test_file_without_records(tmp_path):
    write(tmp_path / "x.vcf.gz", {"a": 1000}, {"a": []}, 1)
    with pysam.VariantFile(str(tmp_path / "x.vcf.gz")) as file:
        assert list(file) == []
