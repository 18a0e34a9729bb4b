"""What reading a damaged .npz or zip archive raises: more kinds than the modules say."""

import lzma
import struct
import tokenize
import zipfile
import zlib

# RuntimeError: a flipped bit says "encrypted", or names a compression that Python does not know;
# TokenError, SyntaxError: the header of an array is read before its checksum is
DAMAGED_ARCHIVE: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
)
