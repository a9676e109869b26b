"""The table of contents of a pg_dump archive in custom format: what is in it, and what needs what.

Reads versions 1.14 to 1.16 of the format, as pg_dump 14 to 18 write them; `pg_restore --list`
says no dependencies, and a partial restore cannot do without them. Runs nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from listbackup.errors import IntegrityError

NONE, PRE_DATA, DATA, POST_DATA = 1, 2, 3, 4
OF_THE_WHOLE = frozenset({"DATABASE", "DATABASE PROPERTIES"})
OLDEST, NEWEST = (1, 14), (1, 16)
MOST = 2**31

NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
OWN_OPTION = re.compile(
    rf"^(ALTER (?:FOREIGN )?TABLE ONLY {NAME}\.{NAME} ALTER COLUMN {NAME} SET )"
    r"\(pg_attver='?\d+'?(?:, )?([^\n]*)\);\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition. `kind` is pg_dump's word (TABLE, INDEX, FK CONSTRAINT, ACL, ...), `needs`
    the numbers of entries that it depends on, `tablespace` empty for the default one."""

    number: int
    oid: int
    tag: str
    kind: str
    section: int
    definition: str
    schema: str
    owner: str
    needs: frozenset[int]
    tablespace: str = ""


def read_contents(archive: bytes, encoding: str = "utf-8") -> tuple[Entry, ...]:
    """Read the entries of an archive, in its order, its text in an encoding of Python's. Raises
    IntegrityError if it is none."""
    return tuple(entry for entry, _, _ in _read(archive, encoding))


def is_same(one: bytes, other: bytes, encoding: str = "utf-8") -> bool:
    """Whether two archives make the same things for the same owners, whatever their numbers and
    their order. Raises IntegrityError."""
    sides = (
        Counter(
            (entry.kind, entry.schema, entry.tag, entry.owner, entry.definition)
            for entry in read_contents(make_portable(archive), encoding)
            if entry.kind not in OF_THE_WHOLE
        )
        for archive in (one, other)
    )
    return next(sides) == next(sides)


def make_portable(archive: bytes) -> bytes:
    """Take out of an archive what only some builds of the server understand: the column option
    `pg_attver`, which they set themselves and a pg_dump that does not know it writes down.

    Raises IntegrityError.
    """
    pieces, place = [], 0
    size = archive[8] if len(archive) > 8 else 0
    for entry, start, end in _read(archive, "latin-1"):
        definition = OWN_OPTION.sub(_without_option, entry.definition)
        if definition != entry.definition:
            written = definition.encode("latin-1")
            pieces += [archive[place:start], b"\0", len(written).to_bytes(size, "little"), written]
            place = end
    return b"".join([*pieces, archive[place:]])


def _without_option(found: "re.Match[str]") -> str:
    statement, others = found[1], found[2]
    return f"{statement}({others});\n" if others else ""


def _read(archive: bytes, encoding: str) -> "list[tuple[Entry, int, int]]":
    try:
        return list(_Cursor(archive, encoding).entries())
    except (IndexError, ValueError, UnicodeDecodeError) as error:
        raise IntegrityError("The archive of definitions is not readable.") from error


class _Cursor:
    def __init__(self, archive: bytes, encoding: str) -> None:
        self.encoding = encoding
        if archive[:5] != b"PGDMP":
            raise ValueError("not an archive")
        self.data = archive
        self.version = (archive[5], archive[6])
        if not OLDEST <= self.version <= NEWEST or archive[10] != 1:
            raise ValueError(f"archive format {self.version} is not known")
        self.integer_size, self.offset_size = archive[8], archive[9]
        self.place = 11
        if self.version >= (1, 15):
            self.place += 1
        else:
            self.integer()
        for _ in range(7):
            self.integer()
        for _ in range(3):
            self.text()

    def integer(self) -> int:
        start = self.place + 1
        self.place = start + self.integer_size
        value = int.from_bytes(self.data[start : self.place], "little")
        if self.place > len(self.data) or value > MOST:
            raise ValueError("cut short")
        return -value if self.data[start - 1] else value

    def text(self) -> str:
        length = self.integer()
        if length < 0:
            return ""
        start, self.place = self.place, self.place + length
        if self.place > len(self.data):
            raise ValueError("cut short")
        return self.data[start : self.place].decode(self.encoding, "surrogateescape")

    def entries(self) -> Iterator[tuple[Entry, int, int]]:
        """Give the entries, each with where its definition stands in the archive."""
        for _ in range(self.integer()):
            number, _, _ = self.integer(), self.integer(), self.text()
            oid, tag, kind, section = self.text(), self.text(), self.text(), self.integer()
            start = self.place
            definition = self.text()
            end = self.place
            self.text(), self.text()
            schema, tablespace, _ = self.text(), self.text(), self.text()
            if self.version >= (1, 16):
                self.integer()
            owner, _ = self.text(), self.text()
            needs = []
            while need := self.text():
                needs.append(int(need))
            self.place += 1 + self.offset_size
            entry = Entry(
                number=number,
                oid=int(oid),
                tag=tag,
                kind=kind,
                section=section,
                definition=definition,
                schema=schema,
                owner=owner,
                needs=frozenset(needs),
                tablespace=tablespace,
            )
            yield entry, start, end
