"""Phase sets of the genotypes of a VCF, whatever they are called."""

import pytest
from deepcohort.haplotag.sites import read_sites

HEAD = """##fileformat=VCFv4.4
##contig=<ID=c,length=9000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=PS,Number=1,Type={},Description="Phase set">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts
"""


@pytest.mark.parametrize(
    ("kind", "genotypes", "blocks"),
    [
        pytest.param("Integer", ["0|1:7", "0|1:7", "1|0:9"], [7, 7, 9], id="numbers"),
        pytest.param("Integer", ["0/1", "0|1", "1|0"], [-1, 100, 100], id="no PS: the contig is one set"),
        pytest.param("Integer", ["0|1:100", "0|1:.", "1|0:."], [100, 200, 200], id="none beside a number"),
        pytest.param("Integer", ["0|1:.", "0|1:200", "1|0"], [100, 200, 100], id="number beside none"),
        pytest.param("String", ["0|1:a_1", "0|1:b_2", "1|0:a_1"], [100, 200, 100], id="names"),
        pytest.param("String", ["0|1:PATMAT", "0|1:.", "1|0:200"], [100, 200, 200], id="a name beside none"),
        pytest.param("String", ["0|1:5000000000", "0|1:7", "1|0:7"], [100, 7, 7], id="more than a tag holds"),
        pytest.param(
            "Integer", ["|0|1:7", "/0|1:7", "/0/1:7"], [7, -1, -1], id="sign before the first allele"
        ),
    ],
)
def test_blocks(tmp_path, kind, genotypes, blocks):
    path = tmp_path / "x.vcf"
    lines = [
        f"c\t{100 * (i + 1)}\t.\tA\tC\t.\tPASS\t.\t{'GT:PS' if ':' in g else 'GT'}\t{g}\n"
        for i, g in enumerate(genotypes)
    ]
    path.write_text(HEAD.format(kind) + "".join(lines))
    _, sites = read_sites(path)
    assert sites["c"].block.tolist() == blocks
