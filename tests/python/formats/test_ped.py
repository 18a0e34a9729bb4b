"""PED: one file means one thing to genotype, evaluate, export and annotate."""

import pytest
from deepcohort.core.errors import DeepcohortError, InputProblems
from deepcohort.evaluate.callset_qc import trios_of
from deepcohort.export.io_export import _psam_lines
from deepcohort.formats.ped import PedRow, read_ped
from deepcohort.joint.pedigree import read_pedigree

TRIO = [
    PedRow("F", "kid", "dad", "mum", "XY"),
    PedRow("F", "dad", "", "", "XY"),
    PedRow("F", "mum", "", "", "XX"),
]
RIGHT = {
    "tabs": "F\tkid\tdad\tmum\t1\t0\nF\tdad\t0\t0\t1\t0\nF\tmum\t0\t0\t2\t0\n",
    "blanks": "F kid dad mum 1 0\nF  dad 0 0 1 0\nF mum 0 0 2 0\n",
    "no phenotype": "F kid dad mum 1\nF dad 0 0 1\nF mum 0 0 2\n",
    "CRLF": "F\tkid\tdad\tmum\t1\r\nF\tdad\t0\t0\t1\r\nF\tmum\t0\t0\t2\r\n",
    "header and comment": "#FID IID PAT MAT SEX\nF kid dad mum 1\n\nF dad 0 0 1\nF mum 0 0 2\n",
    "byte order mark": "\ufeffF kid dad mum 1\nF dad 0 0 1\nF mum 0 0 2\n",
    "other words": "F kid dad mum male\nF dad -9 . XY\nF mum NA 0 female\n",
}
WRONG = {
    "four columns": ("F kid dad mum", "line 1 has 4 columns"),
    "twice": ("F kid 0 0 1\nF kid 0 0 1", "line 2: sample kid stands there twice"),
    "sex": ("F kid 0 0 3", "line 1: sex '3' of kid is unknown"),
    "empty name": ("F\t\t0\t0\t1", "line 1: the name '' is empty"),
    "father is female": ("F kid dad 0 1\nF dad 0 0 2", "the parents of kid have the wrong sex"),
    "mother is male": ("F kid 0 mum 1\nF mum 0 0 1", "the parents of kid have the wrong sex"),
    "own child": ("F kid kid 0 1", "or are kid itself"),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_ways_to_write_the_same(tmp_path, kind):
    path = tmp_path / "x.ped"
    path.write_bytes(RIGHT[kind].encode())
    assert read_ped(path) == TRIO
    assert trios_of(path) == [("kid", "dad", "mum")]
    pedigree = read_pedigree(path)
    assert pedigree.parents == {"kid": ("dad", "mum")}
    assert pedigree.sex == {"kid": "XY", "dad": "XY", "mum": "XX"}
    assert _psam_lines(["mum", "kid", "other"], path)[1:] == [
        "F\tmum\t0\t0\t2",
        "F\tkid\tdad\tmum\t1",
        "other\tother\t0\t0\tNA",
    ]


@pytest.mark.parametrize("reader", [read_ped, read_pedigree, trios_of, lambda path: _psam_lines([], path)])
@pytest.mark.parametrize("kind", WRONG)
def test_every_reader_refuses_the_same(tmp_path, kind, reader):
    text, problem = WRONG[kind]
    path = tmp_path / "x.ped"
    path.write_text(f"{text}\n")
    with pytest.raises(InputProblems) as error:
        reader(path)
    assert problem in str(error.value)


def test_a_parent_may_be_unknown_alone(tmp_path):
    path = tmp_path / "x.ped"
    path.write_text("F kid -9 mum 0\n")
    assert read_ped(path) == [PedRow("F", "kid", "", "mum", "")]
    assert trios_of(path) == []


def test_all_rows_are_judged_at_once(tmp_path):
    path = tmp_path / "x.ped"
    path.write_text("F a 0 0 9\nF b\nF c 0 0 1\nF c 0 0 1\n")
    with pytest.raises(InputProblems) as error:
        read_ped(path)
    assert [p.split("line ")[1][0] for p in error.value.problems] == ["1", "2", "4"]
    with pytest.raises(DeepcohortError, match="does not exist"):
        read_ped(tmp_path / "absent.ped")
