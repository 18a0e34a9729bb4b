"""Names of samples, families and models: what every file that carries them can hold."""

import unicodedata

MOST_BYTES = 128  # a file name of 255 bytes holds the name, a shard and suffixes


def name_problem(name: str) -> str | None:
    """Why `name` cannot stand in a header line, a table's cell or a file name; None when it can.

    Refused are: nothing, more than MOST_BYTES bytes, blanks at either end, and characters that are seen
    as nothing or as a line's end: controls, tabs, line and paragraph separators, formatting marks; and what
    stands for bytes that were no text.
    """
    if not name:
        return "is empty"
    if len(name.encode("utf-8", "surrogateescape")) > MOST_BYTES:
        return f"is longer than {MOST_BYTES} bytes"
    if name != name.strip():
        return "begins or ends with a blank"
    for character in name:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            return f"holds the character U+{ord(character):04X}, which no file can carry"
    if "\ufffd" in name:
        return "holds bytes that are no UTF-8"
    return None


def blank_problem(name: str) -> str | None:
    """`name_problem`, or that it holds a blank: plink2's files have none."""
    if any(character.isspace() for character in name):
        return "holds a blank"
    return name_problem(name)


def printable(text: str) -> str:
    """`text` on one line: what cannot be seen is written as Python writes it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
