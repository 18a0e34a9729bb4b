"""A web server on this machine that serves a few files by byte range, and misbehaves on request.

A process of its own: pysam holds the interpreter's lock while htslib waits for an answer.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = ("none", "cut", "refuse", "error", "whole", "short")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the server does wrong, from its `after`-th answer on.

    cut: closes the connection within the body; refuse: 403; error: 500; whole: ignores byte ranges; short: says and
    sends less than was asked for.
    """

    kind: str
    after: int


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    server: "_Server"

    def log_message(self, *_words: object) -> None:
        """Nothing: faults are expected."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        data = self.server.files.get(self.path.lstrip("/").split("?")[0])
        fault = self.server.next_fault()
        if data is None or fault in ("refuse", "error"):
            self.send_response(404 if data is None else 403 if fault == "refuse" else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = 0, len(data) - 1
        if asked and fault != "whole":
            first = int(asked[1])
            last = min(last, int(asked[2])) if asked[2] else last
            if first >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        if fault == "short":
            last = first + (last - first) // 2
        piece = data[first : last + 1]
        self.send_response(206 if asked and fault != "whole" else 200)
        if asked and fault != "whole":
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(piece)))
        self.end_headers()
        if body:
            with contextlib.suppress(OSError):  # htslib reads what it wants, then hangs up
                self.wfile.write(piece[: len(piece) // 2] if fault == "cut" else piece)
        if fault == "cut":
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files: dict[str, bytes], fault: Fault) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self._fault = fault
        self._answers = 0
        self._lock = threading.Lock()

    def next_fault(self) -> str:
        """The fault of this answer, or none."""
        with self._lock:
            self._answers += 1
            return self._fault.kind if self._answers > self._fault.after else "none"

    def handle_error(self, *_words: object) -> None:
        """Nothing: a client that hangs up is no error."""


@contextlib.contextmanager
def serve(folder: Path, fault: Fault | None = None) -> Iterator[str]:
    """URL of a server of the files in `folder`, as long as the block lasts."""
    fault = fault or Fault("none", 0)
    os.environ["no_proxy"] = "127.0.0.1"
    command = [sys.executable, "-S", __file__, str(folder), fault.kind, str(fault.after)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _end_with_parent() -> None:
    """A fuzzing worker that crashes closes this process's stdin and can do no more."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    served = {path.name: path.read_bytes() for path in Path(sys.argv[1]).iterdir() if path.is_file()}
    with _Server(served, Fault(sys.argv[2], int(sys.argv[3]))) as running:
        print(running.server_port, flush=True)
        running.serve_forever()
