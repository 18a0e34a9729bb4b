"""FORMAT keys that a header does not declare are not asked for: cyvcf2 would go through the header each time."""

import cyvcf2
import numpy as np
import pytest
from deepcohort.popgen.io_scan import open_cohort, read_contigs
from deepcohort.report.io_cohort import CohortVcf


class Watched:
    """A reader whose records say which FORMAT keys were asked for."""

    def __init__(self, reader, asked):
        self._reader, self._asked = reader, asked

    def __getattr__(self, name):
        return getattr(self._reader, name)

    def __iter__(self):
        for record in self._reader:
            yield WatchedRecord(record, self._asked)


class WatchedRecord(Watched):
    def format(self, key):
        self._asked.append(key)
        return self._reader.format(key)


def write(path, keys):
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=c,length=900>"]
    lines += [f'##FORMAT=<ID={k},Number={n},Type={t},Description="x">' for k, n, t in keys]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB")
    values = {"GT": "0/1", "DP": "7", "GQ": "9", "PL": "9,0,9"}
    names = [k for k, _, _ in keys]
    cell = ":".join(values[k] for k in names)
    lines += [f"c\t{pos}\t.\tA\tC\t9\tPASS\t.\t{':'.join(names)}\t{cell}\t{cell}" for pos in (5, 9)]
    path.write_text("\n".join(lines) + "\n")
    return path


GT, DP, GQ, PL = ("GT", 1, "String"), ("DP", 1, "Integer"), ("GQ", 1, "Integer"), ("PL", "G", "Integer")


@pytest.mark.parametrize(
    ("keys", "expected", "dp"),
    [([GT], [], -1), ([GT, DP], ["DP"], 7), ([GT, DP, GQ], ["DP", "GQ"], 7)],
)
def test_statistics(tmp_path, keys, expected, dp):
    cohort = CohortVcf(write(tmp_path / "a.vcf", keys))
    asked = []
    cohort._vcf = Watched(cohort._vcf, asked)
    sites = list(cohort)
    assert asked == expected * 2
    assert sites[0].dp.tolist() == [dp, dp]


@pytest.mark.parametrize(("keys", "expected"), [([GT], []), ([GT, DP], ["DP"]), ([GT, DP, PL], ["PL", "DP"])])
def test_scans(tmp_path, keys, expected):
    path = write(tmp_path / "a.vcf", keys)
    reader, _ = open_cohort(path, None)
    assert isinstance(reader, cyvcf2.VCF)
    asked = []
    (contig,) = read_contigs(Watched(reader, asked), path, True)
    assert asked == expected * 2
    assert (contig.pl is not None) == (PL in keys)
    if DP in keys:
        assert np.array_equal(contig.depth, np.full((2, 2), 7.0))
