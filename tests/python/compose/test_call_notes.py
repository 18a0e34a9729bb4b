"""What `call` says of a sample beside its calls: the library, the alarm, disputed sites; the same in all shards."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest
from deepcohort.calls.config import CallsConfig
from deepcohort.calls.merge import merge_shards
from deepcohort.compose import call_setup
from deepcohort.compose import call_shard as call_shard_module
from deepcohort.compose.call_setup import CallRequest, calls_config, make_job
from deepcohort.compose.call_shard import call_shard
from deepcohort.compose.io_warm import CONTIG, LENGTH_BP, write_warm_inputs
from deepcohort.core.errors import InputProblems
from deepcohort.pileup.features import N_FEATURES
from deepcohort.reads.config import ReadsConfig
from deepcohort.reads.library import library_text
from deepcohort.reads.profile import profile_of, profiled
from deepcohort.reads.types import LibraryProfile
from naive_predictor import NaivePredictor


class _Predictor(NaivePredictor):
    """Knows features up to `most`; `blind`: says that nothing is anywhere."""

    device = "cpu"

    def __init__(self, most=1e6, blind=False):
        self.limits = np.full(N_FEATURES, -most - 1, np.float32), np.full(N_FEATURES, most, np.float32)
        self._blind = blind

    def predict_lazily(self, features, pixels_of):
        p = super().predict_lazily(features, pixels_of)
        return np.tile(np.array([0.9998, 1e-4, 1e-4], np.float32), (len(p), 1)) if self._blind else p


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    reference, bams, _ = write_warm_inputs(tmp_path_factory.mktemp("inputs"))
    return reference, bams[0]


def run(monkeypatch, folder, inputs, predictor, *regions, name="x", contamination=None):
    """Paths of gVCF and VCF."""
    monkeypatch.setattr(call_setup, "load_predictor", lambda *_: predictor)
    paths = folder / f"{name}.g.vcf.gz", folder / f"{name}.vcf.gz"
    reference, bam = inputs
    request = CallRequest(
        reads=(bam,),
        reference=reference,
        region=regions,
        gvcf=paths[0],
        vcf=paths[1],
        sample="S",
        contamination=contamination,
        quiet=True,  # no progress, but what is wrong is told
    )
    job, predictor = make_job(request)
    call_shard(job, predictor, quiet=True)
    return paths


def notes(path):
    with gzip.open(path, "rt") as file:
        return [
            line.rstrip("\n")
            for line in file
            if line.startswith(("##deepcohort_library", "##deepcohort_unlike"))
        ]


def filters(path):
    with gzip.open(path, "rt") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return {(int(x[1]), x[4].split(",")[0], x[9].split(":")[0]): x[6] for x in rows if x[6] != "."}


def test_shards_say_the_same_and_merge_into_facts(monkeypatch, tmp_path, inputs, capsys):
    half = LENGTH_BP // 2
    shards = [(f"{CONTIG}:1-{half}",), (f"{CONTIG}:{half + 1}-{LENGTH_BP}",)]
    pieces = [
        run(monkeypatch, tmp_path, inputs, _Predictor(), *r, name=f"s{k}") for k, r in enumerate(shards)
    ]
    whole = run(monkeypatch, tmp_path, inputs, _Predictor())
    assert "warning" not in capsys.readouterr().err
    library, unlike = notes(whole[0])
    config = profiled([inputs[1]], inputs[0], ReadsConfig())
    assert library == f"##deepcohort_library={library_text(config.library)};Slips=1.0"
    assert unlike.endswith("Alarm=no")
    assert "Outside=0.0000" in unlike
    assert all(notes(path) == [library, unlike] for pair in (*pieces, whole) for path in pair)
    merged, facts = tmp_path / "S.g.vcf.gz", tmp_path / "S.json"
    merge_shards([gvcf for gvcf, _ in pieces], merged, facts=facts)
    found = json.loads(facts.read_text())
    assert found["library"]["Reads"] == config.library.n_reads
    assert found["library"]["Inserts"] == list(config.library.insert_bp)
    assert found["unlike_training"]["Alarm"] is False
    called = [gt for (_, _, gt), word in filters(whole[1]).items() if word == "PASS"]
    assert found["called"]["snp"] + found["called"]["indel"] == found["records"]["PASS"] == len(called) >= 5
    assert found["records"]["Disputed"] == 0


def test_contamination_is_told_and_a_given_one_taken(monkeypatch, tmp_path, inputs, capsys):
    told, windows = profile_of([inputs[1]], inputs[0], ReadsConfig())
    assert told.library.contamination == 0
    library = replace(told.library, contamination=0.0376)
    monkeypatch.setattr(call_setup, "profile_of", lambda *_: (replace(told, library=library), windows))
    path = run(monkeypatch, tmp_path, inputs, _Predictor())[0]
    assert ";Contamination=0.0376;" in notes(path)[0]
    assert "ContaminationGiven" not in notes(path)[0]
    assert "S: about 3.8 % of the reads are another person's" in capsys.readouterr().err
    for share in (0.0, 0.02):
        path = run(monkeypatch, tmp_path, inputs, _Predictor(), contamination=share)[0]
        assert f";ContaminationGiven={share:.4f}" in notes(path)[0]
        assert "warning" not in capsys.readouterr().err
    with pytest.raises(InputProblems, match=r"--contamination 2 is out of range"):
        run(monkeypatch, tmp_path, inputs, _Predictor(), contamination=2.0)


def test_genotypes_allow_for_the_contamination(monkeypatch, tmp_path, inputs):
    seen = []

    def all_strangers(evidence, rows, probabilities, contamination):
        seen.append(contamination)
        return np.tile(np.array([1, 0, 0], np.float32), (len(rows), 1))

    monkeypatch.setattr(call_shard_module, "without_strangers", all_strangers)
    path = run(monkeypatch, tmp_path, inputs, _Predictor(), contamination=0.02)[1]
    assert set(seen) == {0.02}
    assert "PASS" not in filters(path).values()


def test_reads_laid_are_told(monkeypatch, tmp_path, inputs):
    told, windows = profile_of([inputs[1]], inputs[0], ReadsConfig())
    laid = replace(told, lays_unaligned=True), windows
    monkeypatch.setattr(call_setup, "profile_of", lambda *_: laid)
    path, _ = run(monkeypatch, tmp_path, inputs, _Predictor(), f"{CONTIG}:1-2000")
    assert notes(path)[0].endswith(";Slips=1.0;UnalignedLaid=yes")


def test_alarm(monkeypatch, tmp_path, inputs, capsys):
    """One line for people, a note in both files, and calls all the same."""
    monkeypatch.setattr("deepcohort.model.novelty.LEAST_SITES", 2)  # the genome is tiny
    paths = run(monkeypatch, tmp_path, inputs, _Predictor(most=0.0))
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "warning" in x]
    assert line.startswith(
        "deepcohort: warning: S: the reads are unlike those that model naive was trained on: "
    )
    for path in paths:
        assert notes(path)[1].endswith("Alarm=yes")
    assert filters(paths[1]) == filters(run(monkeypatch, tmp_path, inputs, _Predictor(), name="y")[1])
    assert capsys.readouterr().err == ""


def test_what_a_blind_network_leaves_out_is_disputed(monkeypatch, tmp_path, inputs):
    """Sites that the reads alone speak for are in both files, with FILTER Disputed and genotype 0/0."""
    seen = filters(run(monkeypatch, tmp_path, inputs, _Predictor(), name="seen")[1])
    paths = run(monkeypatch, tmp_path, inputs, _Predictor(blind=True), name="blind")
    disputed = [{key: word for key, word in filters(path).items() if word == "Disputed"} for path in paths]
    assert disputed[0] == disputed[1] == filters(paths[1])
    assert {gt for _, _, gt in disputed[1]} == {"0/0"}
    sure = {(pos, alt) for pos, alt, _ in seen}
    told = {(pos, alt) for pos, alt, _ in disputed[1]}
    assert told <= sure
    assert len(told) > 0.6 * len(sure)
    facts = tmp_path / "facts.json"
    merge_shards([paths[0]], tmp_path / "m.g.vcf.gz", facts=facts)
    found = json.loads(facts.read_text())
    assert found["records"]["Disputed"] == len(told)
    assert found["called"] == {"snp": 0, "indel": 0}


@pytest.fixture
def two_libraries(inputs, tmp_path):
    """The reads as of two libraries, one of them by an aligner whose MAPQ ends at 42; (reference, BAM)."""
    reference, bam = inputs
    path = tmp_path / "two.bam"
    with pysam.AlignmentFile(str(bam)) as source:
        header = source.header.to_dict()
        header["RG"] = [{"ID": n, "SM": "S", "LB": f"lib {n}", "PL": "ILLUMINA"} for n in "ab"]
        with pysam.AlignmentFile(str(path), "wb", header=header) as out:
            for read in source:
                is_b = sum(read.query_name.encode()) % 5 < 2
                read.set_tag("RG", "b" if is_b else "a")
                read.mapping_quality = min(read.mapping_quality, 42 if is_b else 60)
                out.write(read)
    pysam.index(str(path))
    return reference, path


def test_several_libraries_have_a_line_each_and_the_calls_of_one(
    monkeypatch, tmp_path, inputs, two_libraries, capsys
):
    """All shards say the same; on one MAPQ scale again the reads are those of the one library, and so the calls."""
    half = LENGTH_BP // 2
    shards = [(f"{CONTIG}:1-{half}",), (f"{CONTIG}:{half + 1}-{LENGTH_BP}",)]
    whole = run(monkeypatch, tmp_path, two_libraries, _Predictor())
    assert capsys.readouterr().err == ""
    pieces = [
        run(monkeypatch, tmp_path, two_libraries, _Predictor(), *r, name=f"s{k}")[0]
        for k, r in enumerate(shards)
    ]
    assert all(notes(path) == notes(whole[0]) for path in (*pieces, whole[1]))
    assert [line.split(",")[0] for line in notes(whole[0])[2:]] == [
        "##deepcohort_library=<ID=lib%20a",
        "##deepcohort_library=<ID=lib%20b",
    ]
    merged, facts = tmp_path / "S.g.vcf.gz", tmp_path / "S.json"
    merge_shards(pieces, merged, facts=facts)
    found = json.loads(facts.read_text())["libraries"]
    assert [(x["ID"], x["TypicalMAPQ"], x["Alarm"], x["Profile"]) for x in found] == [
        ("lib a", 60, False, "own"),
        ("lib b", 42, False, "sample"),
    ]
    one = run(monkeypatch, tmp_path, inputs, _Predictor(), name="one")
    assert filters(whole[1]) == filters(one[1])


def test_pairs_called_as_long_reads_are_told(monkeypatch, tmp_path, inputs, capsys):
    """In a line, in both headers, and in what the report reads."""
    as_ont = _Predictor()
    as_ont.platform = "ont"
    paths = run(monkeypatch, tmp_path, inputs, as_ont)
    warnings = [x for x in capsys.readouterr().err.splitlines() if "called as ont" in x]
    assert warnings == [
        "deepcohort: warning: S: the reads are pairs of short ones (100 bp), but called as ont; give --platform "
        "illumina (samplesheet: platform)"
    ]
    assert all(";WrongPlatform=short_reads" in notes(path)[0] for path in paths)
    assert all(notes(path)[1].endswith("Alarm=yes") for path in paths)


def test_runs_read_too_long_or_too_short_are_told(monkeypatch, tmp_path, inputs, capsys):
    monkeypatch.setattr(call_setup, "_slips", lambda *_: 100.0)
    paths = run(monkeypatch, tmp_path, inputs, _Predictor())
    warnings = [x for x in capsys.readouterr().err.splitlines() if "runs of equal bases" in x]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "deepcohort: warning: S: runs of equal bases are read too long or too short 100 times"
    )
    for path in paths:
        assert ";Slips=100.0" in notes(path)[0]
        assert notes(path)[1].endswith("Alarm=yes")


def test_the_alarm_of_a_library(monkeypatch, tmp_path, two_libraries, capsys):
    """Of its reads alone, by its own profile."""
    monkeypatch.setattr("deepcohort.model.novelty.LEAST_SITES", 2)
    asked, chunks_of = [], call_setup.sample_chunks

    def sample_chunks(job, windows):
        asked.append(
            (job.reads_config.only and job.reads_config.only.name, job.reads_config.library.typical_mapq)
        )
        return chunks_of(job, windows)

    monkeypatch.setattr(call_setup, "sample_chunks", sample_chunks)
    paths = run(monkeypatch, tmp_path, two_libraries, _Predictor(most=0.0))
    first, *others = [x for x in capsys.readouterr().err.splitlines() if "warning" in x]
    assert first.startswith("deepcohort: warning: S: the reads are unlike")
    assert [line.split(": ")[2] for line in others] == ["S, library lib a", "S, library lib b"]
    assert all(",Alarm=yes," in line for line in notes(paths[0])[2:])
    assert asked == [(None, 42), ("lib a", 60), ("lib b", 42)]


def test_single_reads_of_a_lowered_library_are_not_taken_on_trust():
    """As deep as it may be; what the user gave stands."""
    request = CallRequest(reads=(Path("a.bam"),), reference=Path("a.fa"))
    deep = LibraryProfile(depth=20.0)
    assert calls_config(request, "illumina", deep).single_read_qual == 3.0
    lowered = replace(deep, lowered=((30, 27),))
    assert calls_config(request, "illumina", lowered).single_read_qual == CallsConfig().single_read_qual
    voted = replace(lowered, drops_copies=True)
    assert calls_config(request, "illumina", voted).single_read_qual == 3.0
    told = replace(request, single_read_qual=1.0)
    assert calls_config(told, "illumina", lowered).single_read_qual == 1.0


def test_most_reads_left_out_are_told(monkeypatch, tmp_path, inputs, capsys):
    """Four of five marked as duplicates: `call` says so, its header too; nothing of the usual file."""
    reference, bam = inputs
    marked = tmp_path / "marked.bam"
    with (
        pysam.AlignmentFile(str(bam)) as reads,
        pysam.AlignmentFile(str(marked), "wb", template=reads) as out,
    ):
        for number, read in enumerate(reads):
            read.is_duplicate |= number % 5 > 0
            out.write(read)
    pysam.index(str(marked))
    _, usual = run(monkeypatch, tmp_path, inputs, _Predictor())
    assert "do not count" not in capsys.readouterr().err
    _, found = run(monkeypatch, tmp_path, (reference, marked), _Predictor(), name="y")
    said = capsys.readouterr().err
    assert "S: 80% of the reads do not count: 80% are marked as duplicates (flag 0x400); calls are of" in said
    assert "LeftOut=" not in notes(usual)[0]
    assert ";LeftOut=0.80" in notes(found)[0]
    assert ";LeftOutBy=duplicate:0.80" in notes(found)[0]
