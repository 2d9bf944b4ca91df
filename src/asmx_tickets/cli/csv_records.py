"""The records of a CSV file of users, as Excel, databases and people write it (RFC 4180, in UTF-8).

Commas, semicolons or tabs stand between the fields. The header may spell ``user_name`` as UserName or User Name, and
``email`` as E-Mail. Excel's ``sep=;`` may stand before it. A line break inside quotes belongs to its field.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asmx_tickets.errors import UserError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR = re.compile(rb'(?:[^",;\t]|"[^"]*")*([,;\t])')
_NAMED_SEPARATOR = re.compile(rb'"?sep=([\t -!#-~])"?[\r\n]*', re.IGNORECASE)
_COMPLAINTS = {
    "field larger than": f"A field is longer than {csv.field_size_limit():,} characters.",
    "new-line character seen": "A line ends with CR alone. In Excel, save the file as CSV UTF-8.",
}
"""What is wrong with a line by how the csv module's message begins."""
_BAD_QUOTES = "The line is not valid CSV: are its quotes closed and doubled?"
# A quote that is never closed must not swallow the rest of the file.
_MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its first line's number, the byte where it ends, and its fields by column, or what is wrong."""

    line: int
    end: int
    fields: dict[str, str]
    complaint: str = ""


class Records:
    """The records of a file below its header. ``titles`` are the columns' names as the header has them.

    Raises UserError for a header that won't do. No value of the file is in its message: where the header is missing,
    the first line would be a user's name and password.
    """

    def __init__(self, source: Iterable[bytes], known: Iterable[str], required: Iterable[str]) -> None:
        self._lines = _Lines(source)
        self._known = tuple(known)
        self._required = tuple(required)
        self._separator, header = self._read_header()
        self.columns = tuple(map(self._column, header))
        self.titles = dict(zip(self.columns, map(str.strip, header), strict=True))

    def __iter__(self) -> Iterator[Record]:
        while self._lines.skip_blank():
            start = self._lines.number + 1
            try:
                fields, complaint = self._lines.record(self._separator), ""
                if not any(map(str.strip, fields)):
                    continue
                if len(fields) != len(self.columns):
                    complaint = f"The header has {len(self.columns)} columns, this line has {len(fields)}."
            except UserError as error:
                fields, complaint = [], str(error)
            by_column = {} if complaint else dict(zip(self.columns, fields, strict=True))
            yield Record(start, self._lines.end, by_column, complaint)

    def _read_header(self) -> tuple[str, list[str]]:
        """The separator, and the columns' titles."""
        named = self._lines.named_separator() if self._lines.skip_blank() else ""
        if not self._lines.skip_blank():
            raise self._no_header("it is empty")
        separator = named or self._lines.separator()
        titles = self._lines.record(separator)
        columns = [self._column(title) for title in titles]
        for number, column in enumerate(columns, 1):
            if not column:
                raise self._no_header(f"column {number} is none of them")
            if column in columns[: number - 1]:
                raise self._no_header(f"column {number} is there twice")
        for column in self._required:
            if column not in columns:
                raise self._no_header(f"{column} is missing")
        return separator, titles

    def _no_header(self, why: str) -> UserError:
        wanted = ",".join(self._required)
        others = ",".join(column for column in self._known if column not in self._required)
        return UserError(f"The first line must name the columns, once each: {wanted} and any of {others}; {why}.")

    def _column(self, title: str) -> str:
        """The column that a title means; empty if none."""
        plain = _plain(title)
        return next((column for column in self._known if _plain(column) == plain), "")


def _plain(title: str) -> str:
    return re.sub(r"[\W_]", "", title).casefold()


class _Lines:
    """The lines of a file, read record by record. ``number`` and ``end`` are those of the last line that was used."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = iter(source)
        self._ahead: deque[bytes] = deque()
        self.number = 0
        self.end = 0

    def skip_blank(self) -> bool:
        """Pass over blank lines. Whether there is another one."""
        while (line := self._next()) is not None:
            if line.strip():
                self._give_back([line])
                return True
        return False

    def named_separator(self) -> str:
        """What Excel's line ``sep=;`` names, if it is the next one; else nothing."""
        line = self._next() or b""
        found = _NAMED_SEPARATOR.fullmatch(line)
        if found:
            return found[1].decode()
        self._give_back([line])
        return ""

    def separator(self) -> str:
        """What stands between the fields of the next line: its first comma, semicolon or tab outside of quotes."""
        line = self._next() or b""
        self._give_back([line])
        found = _SEPARATOR.match(line)
        return found[1].decode() if found else ","

    def record(self, separator: str) -> list[str]:
        """The fields of the record that begins here. Raises UserError; then the next one begins at the next line."""
        used: list[bytes] = []
        try:
            return next(csv.reader(self._texts(used), delimiter=separator, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            self._give_back(used[1:])
            # Only an open quote lets a record reach another line.
            if isinstance(error, UnicodeDecodeError) and len(used) == 1:
                raise UserError("The line is not UTF-8. In Excel, save the file as CSV UTF-8.") from None
            said = str(error)
            raise UserError(
                next((_COMPLAINTS[begin] for begin in _COMPLAINTS if said.startswith(begin)), _BAD_QUOTES)
            ) from None

    def _texts(self, used: list[bytes]) -> Iterator[str]:
        while len(used) < _MOST_LINES and (line := self._next()) is not None:
            used.append(line)
            yield line.decode()

    def _next(self) -> bytes | None:
        line = self._ahead.popleft() if self._ahead else next(self._source, None)
        if line is None:
            return None
        self.number += 1
        self.end += len(line)
        if self.number > 1:
            return line
        if line.startswith(_UTF_16) or b"\0" in line:
            raise UserError("The file is in UTF-16. In Excel, save it as CSV UTF-8.")
        return line.removeprefix(_BYTE_ORDER_MARK)

    def _give_back(self, lines: list[bytes]) -> None:
        self._ahead.extendleft(reversed(lines))
        self.number -= len(lines)
        self.end -= sum(map(len, lines))
