"""What a window is made of: one copy beside two, likelihoods of one copy, phase sets, lists of samples."""

import time
from dataclasses import replace

import numpy as np
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.popgen.archive import read_pop_model
from deepcohort.popgen.io_scan import open_cohort, read_contigs, read_groups
from deepcohort.popgen.observe import posterior_shares
from deepcohort.popgen.scan import Chooser, observe_window, scan, windows_of
from deepcohort.popgen.types import MISSING
from popgen_builders import vcf_text

FORMATS = "\n".join(
    f'##FORMAT=<ID={key},Number={n},Type=Integer,Description="x">'
    for key, n in (("DP", 1), ("PL", "G"), ("PS", 1))
)
SITES = range(100, 9_000, 100)
LIKELY = {"0": "0,60", "1": "60,0", "0/0": "0,30,300", "0/1": "30,0,30", "1/1": "300,30,0"}


@pytest.fixture(scope="module")
def model():
    return read_pop_model("balancing")


def alleles(n, pos):
    return np.random.default_rng(pos).permutation(np.arange(n) % 3 == 0).astype(int)


def written(tmp_path, genotype, n=20, name="x", keys="GT"):
    """VCF of one contig of 10 kb; `genotype`: of a sample's number, two alleles and POS."""
    rows = []
    for pos in SITES:
        a = alleles(2 * n, pos).reshape(n, 2)
        rows.append((pos, [genotype(i, *a[i], pos) for i in range(n)]))
    path = tmp_path / f"{name}.vcf"
    path.write_text(vcf_text({name: (10_000, rows)}, n, FORMATS).replace("\tGT\t", f"\t{keys}\t"))
    return path


def seen(path, model, use_pl=False):
    reader, samples = open_cohort(path, None)
    contig = next(read_contigs(reader, path, True))
    chooser = Chooser(model, samples, None)
    found = observe_window(contig, windows_of(contig, 50_000, 25_000)[0], chooser, model.observation, use_pl)
    return found, chooser


def with_likelihoods(text):
    return f"{text}:6:{LIKELY[text]}"


def test_one_copy_counts_once_beside_two(tmp_path, model):
    def genotype(sign):
        return lambda i, a, b, _: str(a) if i % 2 else f"{a}{sign}{b}"

    found, _ = seen(written(tmp_path, genotype("/")), model)
    assert not found.phased
    assert found.copies.tolist() == [2, 1] * 10
    found, _ = seen(written(tmp_path, genotype("|")), model)
    assert found.phased
    assert found.matrix.shape[1] == 30
    assert not (found.matrix == MISSING).any()


def test_likelihoods_of_one_copy_are_read(tmp_path, model):
    path = written(
        tmp_path, lambda i, a, b, _: with_likelihoods(str(a) if i % 2 else f"{min(a, b)}/{max(a, b)}"),
        keys="GT:DP:PL",
    )  # fmt: skip
    one, _ = seen(path, model, use_pl=True)
    other, _ = seen(path, model)
    assert one.copies.tolist() == [2, 1] * 10
    assert not (one.matrix == MISSING).any()
    assert np.abs(one.matrix.astype(int) - other.matrix).max() <= 2
    haploid = written(tmp_path, lambda i, a, b, _: with_likelihoods(str(a)), keys="GT:DP:PL")
    found, _ = seen(haploid, model, use_pl=True)
    assert found.phased
    assert set(found.copies.tolist()) == {1}
    assert scan(haploid, model, source="pl", quiet=True).judged.all()


def test_the_frequency_weighs_one_copy_half():
    sure = {"one": [0.0, -np.inf, -60.0], "two": [-60.0, -60.0, 0.0], "doubt": [0.0, 0.0, 0.0]}
    log_l = np.array([[sure["one"], sure["two"], sure["doubt"]]])
    haploid = np.array([[True, False, True]])
    log_l[0, 2] = [0.0, -np.inf, 0.0]
    share = posterior_shares(log_l, np.zeros((1, 3), bool), haploid)
    # the doubtful copy has the frequency of the others: two of three alleles
    assert share[0] == pytest.approx([0, 1, 2 / 3], abs=2e-3)


def test_more_samples_stand_for_a_group_where_all_are_haploid(tmp_path, model):
    found, chooser = seen(written(tmp_path, lambda i, a, b, _: str(a), n=60), model)
    assert found.matrix.shape[1] == 40
    assert not any("haploid" in line for line in chooser.notes)
    found, chooser = seen(written(tmp_path, lambda i, a, b, _: str(a), n=25), model)
    assert found.matrix.shape[1] == 25
    assert sum("25 haplotypes on haploid contigs instead of the 40" in line for line in chooser.notes) == 1


def test_haplotypes_end_where_a_phase_set_does(tmp_path, model):
    def in_sets(cut):
        return lambda i, a, b, pos: f"{a}|{b}:{101 if pos < cut else 5_000}"

    assert seen(written(tmp_path, in_sets(9_999), keys="GT:PS"), model)[0].phased
    found, _ = seen(written(tmp_path, in_sets(5_000), keys="GT:PS"), model)
    assert not found.phased
    assert set(found.copies.tolist()) == {2}


def test_phased_files_serve_models_of_individuals(tmp_path, model):
    taught = replace(
        model, about={**model.about, "observation": {**model.about["observation"], "phased": "no"}}
    )
    path = written(tmp_path, lambda i, a, b, _: f"{a}|{b}")
    assert not seen(path, taught)[0].phased
    assert scan(path, taught, quiet=True).judged.all()
    with pytest.raises(DeepcohortError, match="contig M is haploid"):
        scan(written(tmp_path, lambda i, a, b, _: str(a), name="M"), taught, quiet=True)


def test_derived_alleles_are_told_to_be_alts(tmp_path, model):
    about = {**model.about, "observation": {**model.about["observation"], "polarised": True}}
    found = scan(written(tmp_path, lambda i, a, b, _: f"{a}|{b}"), replace(model, about=about), quiet=True)
    assert "ALT is taken for the derived one" in found.notes[0]


def test_depth_that_no_genotype_tells_leaves_genotypes(tmp_path, model, recwarn):
    path = written(
        tmp_path, lambda i, a, b, _: with_likelihoods(f"{min(a, b)}/{max(a, b)}").replace(":6:", ":.:"),
        keys="GT:DP:PL",
    )  # fmt: skip
    likely, plain = scan(path, model, quiet=True), scan(path, model, source="gt", quiet=True)
    assert np.array_equal(likely.features, plain.features)
    assert not [w for w in recwarn if "empty slice" in str(w.message)]


def test_lists_of_samples_with_blanks_and_of_many_samples(tmp_path):
    (tmp_path / "list").write_text("NA 1\tpop one\nNA 2\t\nS3 old\n")
    assert read_groups(tmp_path / "list") == {"NA 1": "pop one", "NA 2": "", "S3": "old"}
    (tmp_path / "two").write_text("S1\told\nS2\told\nS1\tyoung\n")
    with pytest.raises(DeepcohortError, match="puts S1 in the groups old and young"):
        read_groups(tmp_path / "two")
    n = 6_000
    path = tmp_path / "wide.vcf"
    path.write_text(vcf_text({"c": (100, [(5, ["0/1"] * n)])}, n))
    began = time.process_time()
    names = [f"S{i}" for i in range(n - 1)]
    assert open_cohort(path, names)[1] == names
    assert time.process_time() - began < 2  # sets of all names for each name took 5 s
