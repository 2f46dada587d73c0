r"""What reaches a terminal: all that this process prints goes through here, and nothing in it can act.

Names, messages and notes are other people's. Escape codes, right-to-left overrides and the like are shown as Python
writes them, `\x1b`; a live display alone, which moves the cursor, writes around it (`acting`), with texts that are
`printable`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, TextIO

from albench.errors import printable


class Terminal(io.TextIOBase):
    """A stream whose control characters are shown; what cannot be written is dropped, and the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.loss: OSError | None = None  # why what is written is dropped, once it is

    def write(self, text: str) -> int:
        """Write a text with escapes for what acts in it."""
        with self._losing():
            self.stream.write(text if text.isprintable() else shown_lines(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._losing():
            self.stream.flush()

    def isatty(self) -> bool:
        """Return whether somebody looks at it."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the file that it writes to."""
        return self.stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream has it."""
        return self.stream.encoding

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.loss = error
            with suppress(OSError):  # for what is buffered, and is written at the end of the process
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)


def shown_lines(text: str) -> str:
    """Return a text whose line breaks and tabs stay, with escapes for other characters that act."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


@contextmanager
def terminal() -> Iterator[tuple[Terminal, Terminal]]:
    """Let standard output and standard error be terminals for the length of a block."""
    kept = sys.stdout, sys.stderr
    for stream in kept:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path need not be UTF-8
    out, err = Terminal(sys.stdout), Terminal(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = kept


def acting(stream: Any) -> Any:
    """Return the stream that a live display writes to, where escapes move the cursor."""
    return stream.stream if isinstance(stream, Terminal) else stream


def is_lost(stream: Any) -> bool:
    """Return whether nobody reads what is printed any more."""
    return isinstance(stream, Terminal) and stream.loss is not None


def refusal(stream: Terminal) -> str:
    """Return why output was lost, in words; "" where it was not, or where its reader simply left (`| head`)."""
    if stream.loss is None or stream.loss.errno == errno.EPIPE:
        return ""
    return f"the output cannot be written ({stream.loss.strerror}); send it elsewhere"


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an error that nobody expected, for `sys.excepthook`."""
    Terminal(sys.stderr).write("".join(traceback.format_exception(kind, error, trace)))
