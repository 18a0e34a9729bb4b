"""Lines of the cohort VCF, written a second time by plain Python from the same genotypes."""

import math
import random
from pathlib import Path

import numpy as np
from deepcohort.joint import emit_kernels
from deepcohort.joint import genotype as joint_genotype
from deepcohort.joint.config import JointConfig
from deepcohort.joint.decide_kernels import diploid_copies, hwe_p_values
from deepcohort.joint.genotype import genotype_cohort
from deepcohort.joint.genotype_kernels import empty_genotypes, genotype_site
from deepcohort.joint.pedigree import Pedigree
from deepcohort.joint.states import OK
from deepcohort.joint.summary_kernels import FS, MQ, N_SUMMARY, QD, RANK_SUMS, SOR, site_summary
from joint_helpers import SEQUENCE, block, write_gvcf, write_reference

REASONS = ["", "NO_COVERAGE", "LOW_GQ", "CONFLICT", "FILTERED"]


def number(value: float, digits: int) -> str:
    return f"{value:.{digits}g}" if math.isfinite(value) else "."


def commas(values) -> str:
    return ",".join(map(str, values))


def gt_text(gt) -> str:
    first, second = ("." if a < 0 else str(a) for a in gt)
    return first if gt[1] == -2 else f"{first}/{second}"


def cut(v, s: int, kept: list[int]):
    """(GT, AD, PL) of a sample in terms of the kept alleles; the least PL is 0."""
    gt = [kept.index(a) if a > 0 else a for a in v.gt[s].tolist()]
    ad = [int(v.ad[s, a]) for a in kept] if v.ad[s, 0] >= 0 else None
    if v.ploidy[s] == 1:
        pl = [int(v.pl[s, a]) for a in kept]
    else:
        pl = [int(v.pl[s, b * (b + 1) // 2 + a]) for k, b in enumerate(kept) for a in kept[: k + 1]]
    return gt, ad, [p - min(pl) for p in pl] if len(kept) < v.ad.shape[1] else pl


def cell(v, s: int, kept: list[int], with_pl: bool) -> str:
    gt, ad, pl = cut(v, s, kept)
    missing = v.state[s] != OK
    if ad is None and v.dp[s] >= 0 and not missing and gt[0] == 0 and gt[1] <= 0:
        ad = [int(v.dp[s])] + [0] * (len(kept) - 1)
    values = [gt_text(gt), *(str(x) if x >= 0 else "." for x in (v.gq[s], v.dp[s]))]
    values.append(commas(ad) if ad else ".")
    values.append(commas(min(p, 9_999) for p in pl) if with_pl and v.gq[s] >= 0 else ".")
    values.append(REASONS[v.state[s]] if missing else ".")
    if v.de_novo[s] > 0:
        values.append(str(min(99, int(-10 * math.log10(max(1e-10, 1 - v.de_novo[s]))))))
    while len(values) > 3 and values[-1] == ".":
        values.pop()
    return ":".join(values)


def info(v, gts, n_alts: int, summary) -> tuple[str, float]:
    """INFO, and the least p value of an excess of heterozygotes."""
    flat = [a for gt in gts for a in gt if a >= 0]
    called = sum(max(gt) >= 0 for gt in gts)
    array = np.array(gts, np.int16)
    tests = [hwe_p_values(*(diploid_copies(array, a)[i] for i in (1, 2, 0))) for a in range(1, n_alts + 1)]
    parts = [
        "AC=" + commas(flat.count(a) for a in range(1, n_alts + 1)),
        "AF=" + commas(number(flat.count(a) / len(flat) if flat else math.nan, 6) for a in range(1, n_alts + 1)),
        f"AN={len(flat)}", f"DP={sum(max(0, int(d)) for d in v.dp)}", f"NS={called}",
        "F_MISSING=" + number((len(gts) - called) / len(gts), 4),
        "ExcHet=" + commas(number(excess, 4) for _, excess in tests),
        "HWE=" + commas(number(p, 4) for p, _ in tests),
    ]  # fmt: skip
    whole = [gt for gt in gts if min(gt) >= 0]
    if whole:
        p = sum(gt.count(0) for gt in whole) / (2 * len(whole))
        hets = sum(sorted(gt)[0] == 0 < sorted(gt)[1] for gt in whole)
        if 0 < p < 1:
            parts.append("InbreedingCoeff=" + number(1 - hets / (2 * p * (1 - p) * len(whole)), 4))
    names = ["MQ", "SOR", "FS", "QD", "BaseQRankSum", "MQRankSum", "ReadPosRankSum"]
    places = [MQ, SOR, FS, QD, RANK_SUMS, RANK_SUMS + 1, RANK_SUMS + 2]
    for name, k in zip(names, places, strict=True):
        if not math.isnan(summary[k]):
            parts.append(f"{name}={number(round(summary[k], 3), 6)}")
    return ";".join(parts), min(excess for _, excess in tests)


def text_of(flat, offsets, i: int) -> str:
    return flat[offsets[i] : offsets[i + 1]].tobytes().decode()


def slow_line(site: int, evidence, texts, kin, limits) -> str | None:
    """The line of a site; None where nobody carries an ALT of it."""
    n, most = evidence.block_of.shape[1], int(evidence.n_alleles[site])
    v = empty_genotypes(n, most)
    qual, any_new = genotype_site(evidence, site, kin, limits, np.empty(v.likelihood.shape), v)
    summary = np.empty(N_SUMMARY)
    site_summary(
        evidence.records,
        evidence.numbers,
        evidence.variant_of[site],
        v.gt,
        v.dp,
        evidence.star[site],
        qual,
        summary,
    )
    kept = sorted({0, *(int(a) for a in v.gt.ravel() if a > 0)})
    if limits.keep_uncarried:
        kept = list(range(most))
    elif all(a in (0, evidence.star[site]) for a in kept):
        return None
    chrom, pos, dot, ref, alts, _ = text_of(texts.prefix, texts.prefix_offsets, site).split("\t")
    alleles = [ref, *(alts.split(",")[a - 1] for a in kept[1:])]
    while len(kept) < most and len({a[-1] for a in alleles if a != "*"}) == 1:
        if min(len(a) for a in alleles if a != "*") == 1:
            break
        alleles = [a if a == "*" else a[:-1] for a in alleles]
    gts = [cut(v, s, kept)[0] for s in range(n)]
    fields, lowest = info(v, gts, len(kept) - 1, summary)
    if any_new:
        names = [text_of(texts.names, texts.name_offsets, s) for s in range(n) if v.de_novo[s] > 0]
        fields += ";DENOVO=" + ",".join(names)
    entries = [e.split("|", 1) for e in text_of(texts.origin, texts.origin_offsets, site).split(",") if e]
    origins = [f"{kept.index(int(a))}|{rest}" for a, rest in entries if int(a) in kept]
    fields += ";OA=" + ",".join(origins) if origins else ""
    verdict = "LowQual" if qual < limits.low_qual else "PASS"
    if verdict == "PASS" and -10 * math.log10(max(lowest, 1e-300)) > limits.excess_het_phred:
        verdict = "ExcHet"
    keys = "GT:GQ:DP:AD:PL:RNC" + (":DNQ" if any_new else "")
    cells = [cell(v, s, kept, most <= limits.max_pl_alleles) for s in range(n)]
    row = [
        chrom,
        pos,
        dot,
        alleles[0],
        ",".join(alleles[1:]),
        number(round(qual, 2), 7),
        verdict,
        fields,
        keys,
    ]
    return "\t".join([*row, *cells]) + "\n"


def random_gvcf(folder: Path, rng: random.Random, sample: str) -> Path:
    rows, at = [], 1
    while at < 120:
        kind = rng.random()
        ref, base = SEQUENCE[at - 1], SEQUENCE[at - 1 : at + 2]
        alt = rng.choice([b for b in "ACGT" if b != ref])
        pls = rng.choice(["40,0,300", "300,30,0", "0,9,90", "8,0,12"])
        low, middle, high = pls.split(",")
        gt = {"40,0,300": "0/1", "300,30,0": "1/1", "0,9,90": "0/0", "8,0,12": "0/1"}[pls]
        quality = rng.choice(["MQ=50", "RAW_MQandDP=72000,20;BaseQRankSum=-1.5;MQRankSum=0.25", "."])
        if kind < 0.35:
            allele, step = rng.choice([(f"{ref} {alt}", 1), (f"{base} {ref}", 3), (f"{ref} {ref}{alt}", 1)])
            rows.append(
                f"{at} {allele},<NON_REF> {quality} GT:GQ:DP:AD:PL:SB {gt}:{rng.choice([9, 40])}:20:9,11,0:"
                f"{low},{middle},{high},400,390,450:5,4,6,5"
            )
        elif kind < 0.9:
            step = rng.randint(1, 6)
            rows.append(block(at, at + step - 1, gq=rng.choice([5, 60]), dp=rng.choice([0, 3, 30])))
        else:
            step = 1
        at += step
    return write_gvcf(folder, sample, rows, index=True)


def test_lines_are_what_python_writes_of_the_same_genotypes(tmp_path, monkeypatch):
    rng = random.Random(1)
    reference = write_reference(tmp_path)
    samples = ["kid", "dad", "mum", "x1", "x2", "x3"]
    gvcfs = [random_gvcf(tmp_path, rng, s) for s in samples]
    family = Pedigree({"kid": ("dad", "mum")}, {}, {"kid": "f"})
    n_lines, n_dropped, written = 0, 0, ""

    def checked(first, evidence, texts, kin, limits, out, calls, before):
        nonlocal n_lines, n_dropped, written
        used, reached, n = emit_kernels.emit_sites(first, evidence, texts, kin, limits, out, calls, before)
        lines = [slow_line(i, evidence, texts, kin, limits) for i in range(first, reached)]
        text = out[:used].tobytes().decode()
        assert text == "".join(line for line in lines if line)
        assert n == sum(line is not None for line in lines)
        n_lines, n_dropped, written = n_lines + n, n_dropped + lines.count(None), written + text
        return used, reached, n

    monkeypatch.setattr(joint_genotype, "emit_sites", checked)
    strict = JointConfig(keep_uncarried=True, min_dp=4, low_qual=60.0, excess_het_phred=3.0, max_pl_alleles=3)
    for config in (JointConfig(), strict):
        genotype_cohort(gvcfs, reference, tmp_path / "out.vcf.gz", config=config, pedigree=family, quiet=True)
    assert n_lines > 60
    assert n_dropped > 0
    for word in ("LowQual", "ExcHet", "NO_COVERAGE", ";OA=", ";MQ=", ",*", "./."):
        assert word in written, word
