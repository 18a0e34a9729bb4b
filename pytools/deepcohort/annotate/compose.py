"""What is written of each record: INFO text and IDs, gathered in one pool of bytes per segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deepcohort.annotate import allele_kernels as ak
from deepcohort.annotate import reasons
from deepcohort.annotate.config import CLASSES
from deepcohort.annotate.first_pass import single_change
from deepcohort.annotate.genes import GeneModels, without_version
from deepcohort.annotate.haplotypes import Joint
from deepcohort.annotate.io_csq import Entry, parse_entries
from deepcohort.annotate.keys import BETWEEN
from deepcohort.annotate.other_tables import Matches, TableSpec
from deepcohort.annotate.score_kernels import LONGEST_NUMBERS, PIECES, Scores, Texts, write_scores
from deepcohort.annotate.types import Alleles, ScoreRows
from deepcohort.formats.vcf_text import Segment

_MAX_CACHED = 200_000
ProteinScores = Mapping[tuple[str, str], tuple[int, int]]


def score_text(value: int) -> str:
    """A score in ten-thousandths as the table writes it."""
    return repr(value / 10_000)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a segment's alleles (by index).

    Attributes:
        offsets: int64 (a + 1,), rows of each allele; None without AlphaMissense. rows: of all of them.
        csq: allele -> BCSQ. joint: allele -> changes it takes part in. unphased: alleles.
        tables: matches of each other table.
    """

    offsets: NDArray[np.int64] | None
    rows: ScoreRows
    csq: Mapping[int, str]
    joint: Mapping[int, Sequence[Joint]]
    unphased: frozenset[int]
    tables: Sequence[Matches]


@dataclass(slots=True)
class Pool:
    """Bytes to splice in, each once."""

    data: bytearray = field(default_factory=bytearray)
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)

    def put(self, text: bytes) -> tuple[int, int]:
        """Begin and end of `text` in the pool."""
        place = self.places.get(text)
        if place is None:
            place = self.places[text] = (len(self.data), len(self.data) + len(text))
            self.data += text
        return place


@dataclass(slots=True)
class AlleleText:
    """Values of one ALT, "" where there is none."""

    score: str = ""
    klass: str = ""
    transcript: str = ""
    uniprot: str = ""
    protein: str = ""
    best: str = ""
    source: str = ""
    why: str = ""

    def values(self) -> tuple[str, ...]:
        """In the order of keys.ALPHAMISSENSE."""
        return (
            self.score, self.klass, self.transcript, self.uniprot, self.protein, self.best, self.source,
            self.why,
        )  # fmt: skip


_AM_KEYS = (
    "AM_SCORE", "AM_CLASS", "AM_TRANSCRIPT", "AM_UNIPROT", "AM_PROTEIN", "AM_MAX", "AM_SOURCE", "AM_WHY",
)  # fmt: skip


class Composer:
    """Composes INFO and ID of records."""

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]] | None,
        protein: ProteinScores | None,
        models: GeneModels | None,
        scored: reasons.Scored | None,
        specs: Sequence[TableSpec],
    ) -> None:
        """`pairs`: (transcript, UniProt id) of AlphaMissense's table; `protein`: by amino acid, where "
        "given."""
        self._pairs, self._protein, self._models, self._scored = pairs, protein, models, scored
        self._specs = specs
        self._entries: dict[str, list[Entry]] = {}
        self._csq_text: dict[str, tuple[str, str, str, str]] = {}
        self._why: dict[tuple[int, str], str] = {}
        self._names = _flat([text for pair in pairs or () for text in pair])
        self._pieces = _flat([*PIECES, *CLASSES])
        self._uniprots: dict[str, list[tuple[str, str]]] = {}
        for transcript, uniprot in pairs or ():
            self._uniprots.setdefault(without_version(transcript), []).append((transcript, uniprot))

    def uniprots(self, transcript: str) -> Sequence[tuple[str, str]]:
        """(transcript as in the table, UniProt id) of a transcript."""
        return self._uniprots.get(without_version(transcript), ())

    def compose(
        self, segment: Segment, alleles: Alleles, known: Known
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], Pool]:
        """ID and INFO of each record, int64 (m, 2) places in the pool; empty: nothing new."""
        pool = Pool()
        m = len(segment.lines)
        ids, info = np.zeros((m, 2), dtype=np.int64), np.zeros((m, 2), dtype=np.int64)
        firsts = np.concatenate([[0], np.cumsum(alleles.n_alts)])
        rich = self._rich(alleles, known)
        if known.offsets is not None:
            self._plain(alleles, firsts, rich, info, pool)
            rich = rich & ~self._single(alleles, firsts, known, info, pool)
        offsets = known.offsets.tolist() if known.offsets is not None else None
        rows = _RowText(known.rows, self._pairs or ())
        kinds = alleles.kind.tolist()
        for r in np.flatnonzero(rich).tolist():
            mine = range(int(firsts[r]), int(firsts[r + 1]))
            text = self._info(mine, kinds, offsets, rows, known)
            if text:
                info[r] = pool.put(text.encode())
            new_id = self._id(segment, alleles, r, mine, known)
            if new_id:
                ids[r] = pool.put(new_id)
        return ids, info, pool

    def _rich(self, alleles: Alleles, known: Known) -> NDArray[np.bool_]:
        """Records of which more is to be said than a reason."""
        flags = np.zeros(len(alleles.kind), dtype=bool)
        if known.offsets is not None:
            flags |= np.diff(known.offsets) > 0
        for group in (known.csq, known.joint, known.unphased, *(t.values for t in known.tables)):
            flags[list(group)] = True
        for table in known.tables:
            flags[list(table.ids)] = True
        found = np.zeros(len(alleles.n_alts), dtype=bool)
        found[alleles.record[flags]] = True
        return found

    def _single(
        self,
        alleles: Alleles,
        firsts: NDArray[np.int64],
        known: Known,
        info: NDArray[np.int64],
        pool: Pool,
    ) -> NDArray[np.bool_]:
        """Writes INFO of records with one ALT that has one score and nothing else; which they are."""
        assert known.offsets is not None
        busy = np.zeros(len(alleles.n_alts), dtype=bool)
        for group in (known.csq, known.joint, known.unphased, *(t.values for t in known.tables)):
            busy[alleles.record[list(group)]] = True
        for table in known.tables:
            busy[alleles.record[list(table.ids)]] = True
        single = np.flatnonzero((alleles.n_alts == 1) & ~busy)
        allele = firsts[single]
        has_one = np.diff(known.offsets)[allele] == 1
        single, allele = single[has_one], allele[has_one]
        rows = known.rows.take(known.offsets[allele])
        (pieces, piece_ends), (names, name_ends) = self._pieces, self._names
        longest = len(pieces) + int(np.diff(name_ends).max(initial=0)) * 2 + LONGEST_NUMBERS
        out, places = np.empty(len(rows) * longest, dtype=np.uint8), np.empty((len(rows), 2), dtype=np.int64)
        scores = Scores(rows.score, rows.klass, rows.pair, rows.aa_pos, rows.aa)
        n = write_scores(scores, Texts(pieces, piece_ends, names, name_ends), out, places)
        info[single] = places + len(pool.data)
        pool.data += out[:n].tobytes()
        done = np.zeros(len(alleles.n_alts), dtype=bool)
        done[single] = True
        return done

    def _plain(
        self,
        alleles: Alleles,
        firsts: NDArray[np.int64],
        rich: NDArray[np.bool_],
        info: NDArray[np.int64],
        pool: Pool,
    ) -> None:
        """Reasons of records with nothing else to say."""
        single = np.flatnonzero((alleles.n_alts == 1) & ~rich)
        kinds = alleles.kind[firsts[single]]
        for kind in np.unique(kinds).tolist():
            info[single[kinds == kind]] = pool.put(f"AM_WHY={self._reason(kind, '')}".encode())
        for r in np.flatnonzero((alleles.n_alts > 1) & ~rich).tolist():
            mine = alleles.kind[firsts[r] : firsts[r + 1]].tolist()
            info[r] = pool.put(("AM_WHY=" + ",".join(self._reason(kind, "") for kind in mine)).encode())

    def _reason(self, kind: int, csq: str) -> str:
        found = self._why.get((kind, csq))
        if found is None:
            entries = self._parsed(csq) if csq else []
            found = reasons.reason_of(kind, entries, self._models, self._scored)
            self._keep(self._why, (kind, csq), found)
        return found

    @staticmethod
    def _keep(cache: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
        if len(cache) >= _MAX_CACHED:
            cache.clear()
        cache[key] = value

    def _parsed(self, csq: str) -> list[Entry]:
        found = self._entries.get(csq)
        if found is None:
            found = parse_entries(csq)
            self._keep(self._entries, csq, found)
        return found

    def _info(
        self,
        mine: range,
        kinds: Sequence[int],
        offsets: Sequence[int] | None,
        rows: "_RowText",
        known: Known,
    ) -> str:
        parts: list[str] = []
        if offsets is not None:
            values = [self._alphamissense(i, kinds[i], offsets, rows, known).values() for i in mine]
            _add(parts, _AM_KEYS, values)
        if self._models is not None:
            _add(
                parts,
                ("DC_CSQ", "DC_GENE", "DC_TRANSCRIPT", "DC_AA"),
                [self._csq(known.csq.get(i, "")) for i in mine],
            )
            self._add_joint(parts, mine, known)
        for spec, table in zip(self._specs, known.tables, strict=True):
            if spec.values:
                nothing = [""] * len(spec.values)
                _add(
                    parts,
                    [spec.info_key(v) for v in spec.values],
                    [table.values.get(i, nothing) for i in mine],
                )
        return ";".join(parts)

    def _alphamissense(
        self, i: int, kind: int, offsets: Sequence[int], rows: "_RowText", known: Known
    ) -> AlleleText:
        first, last = offsets[i], offsets[i + 1]
        if last > first:
            return rows.text(first, last)
        csq = known.csq.get(i, "")
        if kind == ak.MNV and self._protein is not None and csq:
            found = self._by_protein(self._parsed(csq))
            if found is not None:
                return found
        return AlleleText(why=self._reason(kind, csq))

    def protein_rows(self, entry: Entry) -> list[tuple[str, str, str, int, int]]:
        """(transcript, UniProt id, change, score, class) of a change, from the table by amino acid."""
        change = single_change(entry)
        if change is None or self._protein is None:
            return []
        found = []
        for transcript, uniprot in self.uniprots(entry.transcript):
            row = self._protein.get((uniprot, change))
            if row is not None:
                found.append((transcript, uniprot, change, *row))
        return found

    def _by_protein(self, entries: Sequence[Entry]) -> AlleleText | None:
        rows = [row for entry in entries for row in self.protein_rows(entry)]
        if not rows:
            return None
        return AlleleText(
            BETWEEN.join(score_text(row[3]) for row in rows),
            BETWEEN.join(CLASSES[row[4]] for row in rows),
            BETWEEN.join(row[0] for row in rows),
            BETWEEN.join(row[1] for row in rows),
            BETWEEN.join(row[2] for row in rows),
            score_text(max(row[3] for row in rows)),
            "protein",
        )

    def _csq(self, csq: str) -> tuple[str, str, str, str]:
        if not csq:
            return ("", "", "", "")
        found = self._csq_text.get(csq)
        if found is None:
            entries = self._parsed(csq)
            columns = zip(*((e.types, e.gene, e.transcript, e.aa) for e in entries), strict=True)
            types, genes, transcripts, aa = (
                BETWEEN.join(v or "." for v in column) if any(column) else "" for column in columns
            )
            found = (types, genes, transcripts, aa)
            self._keep(self._csq_text, csq, found)
        return found

    def _add_joint(self, parts: list[str], mine: range, known: Known) -> None:
        changes: dict[str, Joint] = {}
        for i in mine:
            for change in known.joint.get(i, ()):
                changes[change.entry.text] = change
        if changes:
            ordered = [changes[text] for text in sorted(changes)]
            parts.append("DC_HAP=" + ",".join(change.entry.text for change in ordered))
            parts.append("DC_HAP_N=" + ",".join(str(len(change.samples)) for change in ordered))
            if self._pairs is not None:
                scores, why = zip(*(self._joint_score(change.entry) for change in ordered), strict=True)
                _add(parts, ("DC_HAP_AM", "DC_HAP_WHY"), list(zip(scores, why, strict=True)))
        if any(i in known.unphased for i in mine):
            parts.append("DC_UNPHASED")

    def _joint_score(self, entry: Entry) -> tuple[str, str]:
        if not reasons.is_missense(entry) or single_change(entry) is None:
            return "", "not_missense"
        rows = self.protein_rows(entry)
        if rows:
            return score_text(max(row[3] for row in rows)), ""
        why = reasons.reason_of(ak.SNV, [entry], self._models, self._scored)
        return "", "no_protein_table" if self._protein is None and why == reasons.NOT_IN_TABLE else why

    def _id(self, segment: Segment, alleles: Alleles, r: int, mine: range, known: Known) -> bytes:
        names: list[str] = []
        for table in known.tables:
            for i in mine:
                names += [name for name in table.ids.get(i, ()) if name not in names]
        if not names:
            return b""
        columns = alleles.columns[r]
        old = segment.text[int(columns[2]) : int(columns[3]) - 1]
        have = [] if old == b"." else old.split(b";")
        new = [name.encode() for name in names if name.encode() not in have]
        return b";".join([*have, *new]) if new else b""


def _flat(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bytes of all texts, and where they end, 0 first: int64 (n + 1,)."""
    data = [text.encode() for text in texts]
    ends = np.concatenate([[0], np.cumsum([len(d) for d in data])]).astype(np.int64)
    return np.frombuffer(b"".join(data) or b"\0", dtype=np.uint8), ends


class _RowText:
    """Text of rows of AlphaMissense."""

    def __init__(self, rows: ScoreRows, pairs: Sequence[tuple[str, str]]) -> None:
        self._score, self._klass, self._pair = rows.score.tolist(), rows.klass.tolist(), rows.pair.tolist()
        self._aa_pos, self._aa = rows.aa_pos.tolist(), rows.aa.tolist()
        self._pairs = pairs

    def text(self, first: int, last: int) -> AlleleText:
        """Values of an allele with the rows first:last."""
        span = range(first, last)
        pairs = [self._pairs[self._pair[i]] for i in span]
        return AlleleText(
            BETWEEN.join([score_text(self._score[i]) for i in span]),
            BETWEEN.join([CLASSES[self._klass[i]] for i in span]),
            BETWEEN.join([pair[0] for pair in pairs]),
            BETWEEN.join([pair[1] or "." for pair in pairs]) if any(pair[1] for pair in pairs) else "",
            BETWEEN.join(
                [
                    f"{chr(65 + (self._aa[i] >> 5))}{self._aa_pos[i]}{chr(65 + (self._aa[i] & 31))}"
                    for i in span
                ]
            ),
            score_text(max(self._score[first:last])),
            "allele",
        )


def _add(parts: list[str], keys: Sequence[str], values: Sequence[Sequence[str]]) -> None:
    """Append KEY=value,value of each key for the ALTs' values; a key without any value is left out."""
    if len(values) == 1:
        parts += [f"{key}={value}" for key, value in zip(keys, values[0], strict=True) if value]
        return
    for key, column in zip(keys, zip(*values, strict=True), strict=True):
        if any(column):
            parts.append(f"{key}={','.join([value or '.' for value in column])}")
