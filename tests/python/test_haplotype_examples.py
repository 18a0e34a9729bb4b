"""What fits the second opinion on indels: examples from reads, the fit, and the model file that holds it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.core.errors import DeepcohortError
from deepcohort.haplotype_examples import HaplotypeExamples, LabelledSample, haplotype_examples
from deepcohort.model.archive import find_model, read_model
from deepcohort.model.haplotypes import TERMS, pooled_terms
from deepcohort.pileup.config import pileup_of
from deepcohort.pileup.haplotypes import TERM_NAMES
from test_call_phase import CONTIG, LENGTH_BP, write_reads

SCRIPT = Path(__file__).resolve().parents[2] / "pytools" / "fit_haplotypes.py"


class Doubtful:
    """Never sure of anything."""

    platform = "ont"
    config = pileup_of("ont")

    def predict_lazily(self, features, pixels_of):
        assert len(pixels_of(np.arange(len(features)))) == len(features)
        return np.tile(np.array([0.5, 0.4, 0.1], np.float32), (len(features), 1))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    reference, bam, variants = write_reads(folder, "long")
    lines = [
        "##fileformat=VCFv4.2",
        f"##contig=<ID={CONTIG},length={LENGTH_BP}>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS",
    ]
    for pos, ref, *alleles in variants:
        alts = sorted(set(alleles) - {ref})
        gt = "|".join(str([ref, *alts].index(allele)) for allele in alleles)
        lines.append(f"{CONTIG}\t{pos + 1}\t.\t{ref}\t{','.join(alts)}\t.\t.\t.\tGT\t{gt}")
    (folder / "t.vcf").write_text("\n".join(lines) + "\n")
    pysam.tabix_index(str(folder / "t.vcf"), preset="vcf", force=True)
    return LabelledSample(bam, reference, folder / "t.vcf.gz")


def test_examples_are_the_unsure_indels_with_their_terms(sample):
    found = haplotype_examples(sample, Doubtful(), passes=3, seed=4, quiet=True)
    assert found.terms.shape == (len(found.label), len(TERMS))
    assert 3 <= len(found.label) <= 3 * 2  # DELETION and INSERTION, where any read is left
    assert set(found.label.tolist()) == {1}
    split = found.terms[:, TERMS.index("hom_het_1.0")] - found.terms[:, TERMS.index("hom_het_unphased_1.0")]
    assert split.max() <= 0  # haplotypes speak against two copies, some as much as is counted anyway
    assert split.min() < -1
    again = haplotype_examples(sample, Doubtful(), passes=3, seed=4, quiet=True)
    assert np.array_equal(found.terms, again.terms)
    other = haplotype_examples(sample, Doubtful(), passes=3, seed=5, quiet=True)
    assert not np.array_equal(found.terms, other.terms)


@pytest.fixture
def script(monkeypatch):
    spec = importlib.util.spec_from_file_location("fit_haplotypes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fit_haplotypes", module)
    spec.loader.exec_module(module)
    return module


def made_up(sample, *_):
    random = np.random.default_rng(len(str(sample)))
    label = random.integers(0, 3, 600).astype(np.int8)
    terms = random.normal(0, 1, (600, len(TERM_NAMES)))
    terms[:, 0] += label
    return HaplotypeExamples(pooled_terms(np.full((600, 3), 1 / 3), terms), label)


def test_a_fitted_model_says_what_it_is(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "haplotype_examples", made_up)
    monkeypatch.setattr(script, "sample_in", lambda folder: folder)
    shipped = find_model("auto", "hifi")
    before = read_model(shipped)
    assert before.haplotypes is None
    path = script.fit(shipped, [Path("a"), Path("bb")], tmp_path / "one", 2, 7, True)
    after = read_model(path)
    assert after.haplotypes is not None
    assert after.about["version"].startswith(before.about["version"] + "+h")
    assert after.weights == before.weights
    card = path.with_suffix(".md").read_text()
    assert "fitted on 1,200 such indels" in card
    assert "2 pass(es) at random depths, seed 7" in card
    assert after.about["version"] in card
    assert "1,200 such indels" in capsys.readouterr().out
    again = script.fit(path, [Path("a"), Path("bb")], tmp_path / "two", 2, 7, True)
    assert again.read_bytes() == path.read_bytes()
    assert again.with_suffix(".md").read_text() == card


def test_a_folder_must_hold_one_sample(script, tmp_path):
    with pytest.raises(DeepcohortError, match="holds 0 BAM files; give a folder with one sample"):
        script.sample_in(tmp_path)
