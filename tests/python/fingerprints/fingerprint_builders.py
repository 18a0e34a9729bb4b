"""Made-up persons, panels and reads: sites lie on contigs of their own, so that none is linked."""

from pathlib import Path

import numpy as np
import pysam
from deepcohort.fingerprints.types import AlleleReads, FingerprintSites
from known_helpers import write_sites

SITE_BP, AT, READ_BP = 240, 120, 100  # a contig each; where its SNP lies
X_BP, X_STEP = 2_000_000, 50_000
BASES = np.frombuffer(b"ACGT", np.uint8)


def unlinked_sites(n, rng, n_populations=0):
    """N sites without reads or files."""
    frequency = rng.uniform(0.1, 0.9, (n, 1 + n_populations))
    if n_populations:
        frequency[:, 0] = frequency[:, 1:].mean(axis=1)
    names = tuple(f"P{k}" for k in range(n_populations))
    return FingerprintSites(
        contig=tuple(f"s{i}" for i in range(n)), pos=np.full(n, AT), ref=("A",) * n, alt=("G",) * n,
        frequency=frequency, populations=names, is_x=np.zeros(n, np.bool_), stretch=np.arange(n), digest="x",
    )  # fmt: skip


def person(frequency, rng):
    """Copies of ALT."""
    return rng.binomial(2, frequency)


def child_of(father, mother, rng):
    """Copies of ALT of a child."""
    return rng.binomial(1, father / 2) + rng.binomial(1, mother / 2)


def reads_of(copies, depth, rng, foreign=None, share=0.0, error=1e-3, het=0.495):
    """Counts that reads of a person, `share` of them of another, would give."""
    chance = np.array([error, het, 1 - error])
    p = (1 - share) * chance[copies] + share * chance[copies if foreign is None else foreign]
    n = rng.poisson(depth, len(copies))
    alt = rng.binomial(n, p)
    other = rng.binomial(n, 2 * error)
    return AlleleReads(*(x.astype(np.int32) for x in (n - alt, alt, other)))


class World:
    """A reference of `n` contigs with a SNP each, and X with one every 50 kb; its panel; persons' reads."""

    def __init__(self, folder: Path, n: int = 120, n_x: int = 0, seed: int = 5) -> None:
        rng = np.random.default_rng(seed)
        self.folder, self.n = folder, n
        self.contigs = {f"s{i}": SITE_BP for i in range(n)}
        self.places = [(f"s{i}", AT) for i in range(n)]
        if n_x:
            self.contigs["X"] = X_BP
            self.places += [("X", 1_000 + X_STEP * i) for i in range(n_x)]
        self.text = {name: BASES[rng.integers(0, 4, bp)] for name, bp in self.contigs.items()}
        self.fasta = folder / "r.fa"
        self.fasta.write_text("".join(f">{k}\n{v.tobytes().decode()}\n" for k, v in self.text.items()))
        pysam.faidx(str(self.fasta))
        self.frequency = rng.uniform(0.2, 0.8, len(self.places)).round(3)
        self.ref = [chr(self.text[c][p]) for c, p in self.places]
        self.alt = ["ACGT"[("ACGT".index(r) + 1 + i % 3) % 4] for i, r in enumerate(self.ref)]
        self.rng = rng

    def panel(self, name="panel", keys=("AF",), **more):
        """The sites as a file with AF, and with AF of populations that differ."""
        header = [f'##INFO=<ID={key},Number=A,Type=Float,Description="x">' for key in keys]
        rows = []
        for i, (contig, pos) in enumerate(self.places):
            shares = {"AF": self.frequency[i], "EUR_AF": self.frequency[i], "AFR_AF": 1 - self.frequency[i]}
            info = ";".join(f"{key}={shares[key]:.3f}" for key in keys) or "."
            rows.append((contig, pos + 1, f"rs{i}", self.ref[i], self.alt[i], info))
        return write_sites(self.folder, self.contigs, rows, name, header=header, **more)

    def person(self, is_xy=False):
        """Copies of ALT at the places; on X an XY person has 0 or 2."""
        copies = person(self.frequency, self.rng)
        if is_xy:
            copies[self.n :] = 2 * self.rng.binomial(1, self.frequency[self.n :])
        return copies

    def bam(self, name, parts, suffix=".bam"):
        """Reads of `parts`: (copies, depth, read group, sample)."""
        header = {
            "HD": {"VN": "1.6", "SO": "coordinate"},
            "SQ": [{"SN": k, "LN": v} for k, v in self.contigs.items()],
            "RG": [{"ID": g, "SM": s} for g, s in dict.fromkeys((g, s) for _, _, g, s in parts)],
        }
        path = self.folder / f"{name}{suffix}"
        mode, more = ("wc", {"reference_filename": str(self.fasta)}) if suffix == ".cram" else ("wb", {})
        order = {k: i for i, k in enumerate(self.contigs)}
        rows = []
        for part, (copies, depth, group, _) in enumerate(parts):
            for i, (contig, pos) in enumerate(self.places):
                for r in range(self.rng.poisson(depth)):
                    start = pos - int(self.rng.integers(5, READ_BP - 5))
                    rows.append((order[contig], start, f"{part}.{i}.{r}", contig, pos, i, copies[i], group))
        rows.sort(key=lambda row: row[:3])
        with pysam.AlignmentFile(str(path), mode, header=header, **more) as out:
            for tid, start, query, contig, pos, i, n_alt, group in rows:
                out.write(self._read(out, tid, start, query, contig, pos, i, n_alt, group))
        pysam.index(str(path))
        return path

    def _read(self, out, tid, start, query, contig, pos, i, n_alt, group):
        bases = self.text[contig][start : start + READ_BP].copy()
        if self.rng.random() < n_alt / 2:
            bases[pos - start] = ord(self.alt[i])
        wrong = self.rng.random(READ_BP) < 1e-3
        bases[wrong] = BASES[self.rng.integers(0, 4, int(wrong.sum()))]
        read = pysam.AlignedSegment(out.header)
        read.query_name, read.reference_id, read.reference_start = query, tid, start
        read.query_sequence, read.mapping_quality = bases.tobytes().decode(), 60
        read.query_qualities = pysam.qualitystring_to_array("F" * READ_BP)
        read.cigartuples = [(0, READ_BP)]
        read.set_tag("RG", group)
        return read
