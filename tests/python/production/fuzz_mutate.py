"""Ways to spoil files: bytes at random, BAM records field by field, tables word by word."""

import gzip
import random
import re
import struct
import zlib

EXTREME_INTS = (0, 1, -1, 2, 7, 15, 16, 255, 256, 65535, 65536, 2**28 - 1, 2**29, 2**31 - 1, -(2**31), 10**6)
_WORDS = (
    "", ".", "-1", "0", "1", "2147483647", "-2147483648", "99999999999999999999", "1e400", "nan", "inf", "0x10",
    "*", "<NON_REF>", "<DEL>", "N", "acgt", "A" * 3000, "A,C,G,T,<NON_REF>", ",", "0/1", "1|2", "9/9", "./.", "0/0/0",
    "0", "|", "GT:AD:PL", "END=5", "END=-7", "END=999999999", ".;.;.", "chr1", "\x00", "\x7f", "ä", '"', "'", "$(id)",
    "`id`", "a b", "#", "##", "../../x", "%s%n", "{}", "True", "=1+1",
)  # fmt: skip
_BLOCK = 32 << 10


def spoil_bytes(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, inserted, dropped or doubled, or the end cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(max(1, len(out)))
        kind = rng.randrange(6)
        if kind <= 1 and out:
            out[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.choice((1, 4, 50)))
        elif kind == 3:
            del out[at : at + rng.choice((1, 4, 200))]
        elif kind == 4 and len(out) >= 8:
            at = rng.randrange(len(out) - 7)
            out[at : at + 4] = struct.pack("<i", rng.choice(EXTREME_INTS))
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def spoil_table(rng: random.Random, text: str, separators: str = "\t:,;/|= ") -> str:
    """Words replaced, columns dropped, lines swapped, doubled or cut."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(lines))
        if rng.random() < 0.8:  # the records more often than the header
            body = [i for i, line in enumerate(lines) if line and not line.startswith("##")]
            at = rng.choice(body) if body else at
        kind = rng.randrange(10)
        if kind == 0:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif kind == 1:
            del lines[at]
            lines = lines or [""]
        elif kind == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        elif kind == 4:
            lines[at] = spoil_bytes(rng, lines[at].encode()).decode("latin-1")
        else:
            lines[at] = _spoil_word(rng, lines[at], rng.choice(separators))
    return "\n".join(lines)


def encoded(rng: random.Random, text: str) -> bytes:
    """`text` as bytes, now and then as an old editor would save it, which is no UTF-8."""
    if rng.random() < 0.15:
        return (text + "\u00e9").replace("ref", "r\u00e9f", 1).encode("latin-1", "replace")
    return text.encode("utf-8", "replace")


def _spoil_word(rng: random.Random, line: str, separator: str) -> str:
    words = line.split(separator)
    at = rng.randrange(len(words))
    kind = rng.randrange(5)
    if kind == 0 and len(words) > 1:
        del words[at]
    elif kind == 1:
        words.insert(at, rng.choice(_WORDS))
    elif kind == 2:
        other = rng.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    else:
        words[at] = rng.choice(_WORDS) if rng.random() < 0.6 else str(rng.choice(EXTREME_INTS))
    return separator.join(words)


def inflate(data: bytes) -> bytes:
    """What a BGZF file holds."""
    return gzip.decompress(data)


def stored_bgzf(data: bytes) -> bytes:
    """BGZF whose blocks are stored, not deflated: a change within keeps every block where it is."""
    blocks = []
    for start in range(0, len(data), _BLOCK):
        piece = data[start : start + _BLOCK]
        body = b"\x01" + struct.pack("<HH", len(piece), len(piece) ^ 0xFFFF) + piece
        head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
        blocks.append(head + body + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join(blocks) + bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def indexable(vcf: bytes) -> bytes:
    """VCF text of the same length and line places that tabix takes: what it cannot is part of the line before.

    So a spoilt text has an index that fits it, and its faults must be found in the text.
    """
    lines, done, last = [], set(), (b"", 0)
    for line in vcf.split(b"\n"):
        if not last[0] and (line.startswith(b"#") or _place(line) is None):
            lines.append(line)
            continue
        place = _place(line)
        if place is None or (place < last if place[0] == last[0] else place[0] in done):
            lines[-1] += b"#" + line.replace(b"\t", b"#")
            continue
        done.add(place[0])
        last = place
        lines.append(line)
    return b"\n".join(lines) + (b"" if lines[-1] == b"" else b"\n")


def _place(line: bytes) -> tuple[bytes, int] | None:
    """CHROM and POS of a line that tabix can index."""
    columns = line.split(b"\t")
    if len(columns) < 8 or not columns[0] or b"\0" in columns[0] or not columns[1].isdigit():
        return None
    ends = re.findall(rb"END=(-?\d*)", columns[7])
    pos = int(columns[1])
    if not 0 < pos < 2**29 or any(not end.isdigit() or not pos <= int(end) < 2**29 for end in ends):
        return None
    return columns[0], pos


def record_offsets(bam: bytes) -> list[int]:
    """Where the records of inflated BAM begin."""
    at = 8 + struct.unpack_from("<i", bam, 4)[0]
    n_contigs = struct.unpack_from("<i", bam, at)[0]
    at += 4
    for _ in range(n_contigs):
        at += 8 + struct.unpack_from("<i", bam, at)[0]
    offsets = []
    while at + 4 <= len(bam):
        offsets.append(at)
        at += 4 + struct.unpack_from("<i", bam, at)[0]
    return offsets


def spoil_bam(rng: random.Random, bam: bytes, offsets: list[int]) -> bytes:
    """Inflated BAM of the same length with fields of some records set to what they should not be."""
    out = bytearray(bam)
    for _ in range(rng.choice((1, 2, 5, 20))):
        at = rng.choice(offsets)
        end = at + 4 + struct.unpack_from("<i", bam, at)[0]
        name_bytes, n_ops = bam[at + 12], struct.unpack_from("<H", bam, at + 16)[0]
        cigar_at = at + 36 + name_bytes
        value = rng.choice(EXTREME_INTS)
        kind = rng.randrange(12)
        if kind == 0:  # block_size refID pos ... l_seq next_refID next_pos tlen
            struct.pack_into("<i", out, at + rng.choice((0, 4, 8, 20, 24, 28, 32)), value)
        elif kind == 1:  # l_read_name mapq
            out[at + rng.choice((12, 13))] = value & 255
        elif kind == 2:  # bin n_cigar_op flag
            struct.pack_into("<H", out, at + rng.choice((14, 16, 18)), value & 65535)
        elif kind == 3:  # pos by a little: unsorted, or beyond the contig's end
            struct.pack_into(
                "<i", out, at + 8, struct.unpack_from("<i", bam, at + 8)[0] + rng.choice((1, -1, 300, 10**5))
            )
        elif kind <= 6 and n_ops:
            word_at = cigar_at + 4 * rng.randrange(n_ops)
            word = struct.unpack_from("<I", bam, word_at)[0]
            length = rng.choice((word >> 4, 0, 1, value & (2**28 - 1)))
            struct.pack_into("<I", out, word_at, length << 4 | rng.choice((word & 15, *range(16))))
        elif kind <= 8:
            out[rng.randrange(cigar_at, end)] = rng.randrange(256)
        elif kind == 9:
            out[rng.randrange(at, end)] = rng.randrange(256)
        elif kind == 10:
            out[rng.randrange(min(offsets))] = rng.randrange(256)
        else:
            struct.pack_into("<i", out, rng.choice((4, 8 + rng.randrange(0, 200))), value)
    return bytes(out)


_STORE_TAIL = struct.Struct("<qqqq8s")  # offsets and sizes of the chunk table and the header, magic
_CHUNK_ROW = struct.Struct("<7q")  # region, start, end, offset, size, size of its head, CRC


def spoil_store(rng: random.Random, store: bytes) -> bytes:
    """A stored cohort whose header, chunk table, chunks or tail lie, with every checksum right."""
    table_at, table_size, header_at, header_size, magic = _STORE_TAIL.unpack(store[-_STORE_TAIL.size :])
    table = bytearray(zlib.decompress(store[table_at : table_at + table_size]))
    header = zlib.decompress(store[header_at : header_at + header_size])
    body = store[:table_at]
    kind = rng.randrange(4)
    if kind == 0:
        header = spoil_table(rng, header.decode(), ',":[ ').encode("utf-8", "replace")
    elif kind == 1:
        for _ in range(rng.choice((1, 1, 3))):
            struct.pack_into("<q", table, 8 * rng.randrange(len(table) // 8), rng.choice(EXTREME_INTS))
        table = table[: rng.choice((len(table), len(table), len(table), 56, 0, len(table) - 5))]
    elif kind == 2:
        at = _CHUNK_ROW.size * rng.randrange(len(table) // _CHUNK_ROW.size)
        row = list(_CHUNK_ROW.unpack_from(table, at))
        chunk = spoil_bytes(rng, zlib.decompress(body[row[3] : row[3] + row[4]]))
        packed = zlib.compress(chunk, 1)
        row[3], row[4], row[6] = len(body), len(packed), zlib.crc32(packed)
        body += packed
        _CHUNK_ROW.pack_into(table, at, *row)
    packed_table, packed_header = zlib.compress(bytes(table), 1), zlib.compress(header, 1)
    at = len(body)
    tail = [at, len(packed_table), at + len(packed_table), len(packed_header)]
    if kind == 3:
        tail[rng.randrange(4)] = rng.choice((*EXTREME_INTS, 2**40, 2**62, -(2**62)))
    return body + packed_table + packed_header + _STORE_TAIL.pack(*tail, magic)


def odd_sam(rng: random.Random, contigs: list[tuple[str, int]], sample: str) -> str:
    """SAM text that is valid but odd: every operation, huge gaps, reads over contig ends, any quality."""
    rows = []
    depth = rng.choice((30, 150, 400))
    focus = rng.randrange(max(1, contigs[0][1] - 300))
    for number in range(depth):
        tid = 0 if rng.random() < 0.9 else rng.randrange(len(contigs))
        name, length = contigs[tid]
        at = rng.choice(
            (0, max(0, length - rng.randrange(1, 200)), min(focus + rng.randrange(200), length - 1))
        )
        cigar, query = _odd_cigar(rng)
        bases = (
            "*"
            if rng.random() < 0.02
            else "".join(rng.choice("ACGTN=RYacgt" if rng.random() < 0.1 else "ACGT") for _ in range(query))
        )
        top = rng.choice((93, 93, 60, 254, 2))
        qual = (
            "*"
            if bases == "*" or rng.random() < 0.05
            else "".join(chr(33 + min(93, rng.randrange(top + 1))) for _ in range(query))
        )
        flag = rng.choice((0, 16, 99, 147, 83, 163, 4, 256, 512, 1024, 2048, 65, 129, 195))
        read = f"r{number // 2 if rng.random() < 0.5 else number}"
        mapq = rng.choice((0, 1, 20, 60, 254, 255))
        rows.append(
            (
                tid,
                at,
                f"{read}\t{flag}\t{name}\t{at + 1}\t{mapq}\t{cigar}\t*\t0\t{rng.choice(EXTREME_INTS)}\t{bases}\t{qual}",
            )
        )
    rows.sort(key=lambda row: row[:2])
    head = [
        "@HD\tVN:1.6\tSO:coordinate",
        *(f"@SQ\tSN:{n}\tLN:{bp}" for n, bp in contigs),
        f"@RG\tID:1\tSM:{sample}",
    ]
    return "\n".join([*head, *(f"{row[2]}\tRG:Z:1" for row in rows)]) + "\n"


def _odd_cigar(rng: random.Random) -> tuple[str, int]:
    words, query = [], 0
    for _ in range(rng.choice((1, 1, 2, 3, 6, 30))):
        op = rng.choice("MMMMM=XIDNSHP")
        length = rng.choice((1, 1, 2, 5, 30, 80, 0 if rng.random() < 0.2 else 3))
        if op in "DN" and rng.random() < 0.2:
            length = rng.choice((500, 5000, 10**6, 2**28 - 1))
        if op == "I" and rng.random() < 0.1:
            length = rng.choice((300, 3000))
        words.append(f"{length}{op}")
        query += length if op in "MIS=X" else 0
    return "".join(words), query
