"""What a restore into a PostgreSQL database would write, and what stands in its way.

Works on what the snapshot and the target say; writes nothing, opens nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from listbackup.connectors.postgres import largeobjects
from listbackup.connectors.postgres.choosing import (
    Choice,
    choose_all,
    choose_for_tables,
    is_table,
    leave_out_keys_to,
    without,
)
from listbackup.connectors.postgres.contents import Entry
from listbackup.connectors.postgres.names import stream_name
from listbackup.connectors.postgres.target import Target
from listbackup.errors import IntegrityError, UsageError
from listbackup.records import StoredSnapshot, StoredStream
from listbackup.records.patterns import matches
from listbackup.records.restoring import RestoreOptions

REUSED: Mapping[str, str] = {
    "SCHEMA": "schema",
    "EXTENSION": "extension",
    "TYPE": "type",
    "DOMAIN": "type",
    "FUNCTION": "function",
}
"""Kinds that a target may have already: then its own are used."""
RELATIONS = frozenset({"TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE"})


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written: streams, definitions, and what the target uses of its own.
    `undefined` are streams that stay out, because the archive does not define their tables."""

    streams: tuple[StoredStream, ...]
    choice: Choice
    whole: bool
    reused: tuple[Entry, ...] = ()
    undefined: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names of the streams."""
        return frozenset(stream.name for stream in self.streams)


def choose_work(
    snapshot: StoredSnapshot, entries: tuple[Entry, ...], options: RestoreOptions, target: Target
) -> Work:
    """Choose streams and definitions. Raises UsageError where a pattern or condition names
    nothing."""
    defined = {(entry.schema, entry.tag) for entry in entries if is_table(entry)}
    asked = select_streams(snapshot, options)
    streams = tuple(s for s in asked if s.status != "carried" or _table_of(s) in defined)
    undefined = tuple(s.name for s in asked if s not in streams)
    if not options.is_partial:
        work = Work(streams, choose_all(entries), whole=True, undefined=undefined)
    else:
        tables = {_table_of(stream) for stream in streams if stream.schema["kind"] == "table"}
        schemas = whole_schemas(options.include)
        kept = {_table_of(s) for s in snapshot.streams.values() if s.schema["kind"] == "table"}
        tables |= {
            (e.schema, e.tag)
            for e in entries
            if is_table(e) and e.schema in schemas and (e.schema, e.tag) not in kept
        }
        extensions = {str(name) for s in streams if (name := s.schema.get("extension"))}
        choice = choose_for_tables(entries, tables, schemas, extensions)
        filtered = {_root_of(s) for s in streams if condition_of(s, options) is not None}
        choice = leave_out_keys_to(choice, filtered)
        work = Work(streams, choice, whole=False, undefined=undefined)
    return reuse_existing(work, target) if target.exists else work


def select_streams(snapshot: StoredSnapshot, options: RestoreOptions) -> tuple[StoredStream, ...]:
    """Select streams by patterns over their names or those of their partition roots."""
    chosen = []
    for stream in snapshot.streams.values():
        names = {stream.name, stream_name(*_root_of(stream))}
        wanted = not options.include or any(matches(name, options.include) for name in names)
        if wanted and not any(matches(name, options.exclude) for name in names):
            chosen.append(stream)
    for pattern in options.include:
        if not any(matches(n, [pattern]) for s in chosen for n in (s.name, _root_name(s))):
            raise UsageError(
                f"No table of the snapshot is called {pattern}.",
                hint="`listbackup ls` shows the names of a snapshot's tables.",
            )
    for pattern in options.where:
        if not any(matches(n, [pattern]) for s in chosen for n in (s.name, _root_name(s))):
            raise UsageError(f"A condition is given for {pattern}, which is not to be restored.")
    return tuple(chosen)


def condition_of(stream: StoredStream, options: RestoreOptions) -> str | None:
    """Give the condition for a table's rows, by its name or its partition root's."""
    return options.condition_of(stream.name, _root_name(stream))


def whole_schemas(include: Iterable[str]) -> frozenset[str]:
    """Name the schemas that are asked for as a whole (`sales.*`)."""
    heads = {p.removesuffix(".*") for p in include if p.endswith(".*")}
    plain = {head for head in heads if "*" not in head and "?" not in head}
    return frozenset(h[1:-1].replace('""', '"') if h.startswith('"') else h for h in plain)


def reuse_existing(work: Work, target: Target) -> Work:
    """Leave out schemas, extensions, types and functions that the target has already."""
    reused = tuple(
        entry
        for entry in work.choice.entries
        if (kind := REUSED.get(entry.kind))
        and any(
            there == (kind, entry.schema or entry.tag, entry.tag)
            or (kind in ("schema", "extension") and (there[0], there[2]) == (kind, entry.tag))
            for there in target.contents
        )
        and not (kind == "schema" and entry.tag == "public")
    )
    if not reused:
        return work
    choice = without(work.choice, {entry.number for entry in reused})
    return replace(work, choice=choice, reused=reused)


def find_conflicts(work: Work, target: Target) -> list[str]:
    """Name what would be written and is there already."""
    there = {(schema, name) for kind, schema, name in target.contents if kind == "relation"}
    names = [
        stream_name(entry.schema, entry.tag)
        for entry in work.choice.entries
        if entry.kind in RELATIONS and (entry.schema, entry.tag) in there
    ]
    objects = {name for kind, _, name in target.contents if kind == "large object"}
    if objects and largeobjects.STREAM in work.names:
        names.append(largeobjects.STREAM)
    return names


def list_steps(work: Work, snapshot: StoredSnapshot, target: Target) -> Iterator[str]:
    """Say in order what would be done."""
    if not target.exists:
        facts = snapshot.facts["database"]
        yield f"create the database from template0, encoding {facts['encoding']}, locale " + str(
            facts.get("locale") or facts["collate"]
        )
    yield f"make {len(work.choice.entries)} definitions, tables first"
    rows = sum(stream.rows for stream in work.streams)
    yield f"load {rows} rows into {len(work.streams)} tables"
    yield "set sequences, make indexes and constraints, switch on triggers and policies"
    yield "compute materialized views, analyze"
    yield "read everything again and compare it with the snapshot's fingerprints"


def list_left_out(work: Work) -> Iterator[str]:
    """Name what was asked for, or belongs to it, and will not be there."""
    for name in work.undefined:
        yield f"table {name}: its definition could not be read; an earlier snapshot holds it"
    for entry in work.choice.left_out:
        name = f"{entry.kind.lower()} {entry.schema}.{entry.tag}"
        yield f"{name}: it needs or belongs to what stays out"


def find_missing_tablespaces(work: Work, target: Target) -> str:
    """Name the tablespaces that the definitions need and the server lacks."""
    needed = {entry.tablespace for entry in work.choice.entries} - {""}
    return ", ".join(sorted(needed - target.tablespaces))


def list_notices(snapshot: StoredSnapshot, work: Work, target: Target) -> list[str]:
    """Say what will not be as it was, or is taken from the target."""
    notices = [
        f"{entry.kind.lower()} {entry.tag} is there already and is used as it is"
        for entry in work.reused
        if entry.tag != "plpgsql"
    ]
    facts = snapshot.facts["database"]
    if target.exists and facts["encoding"] != target.encoding:
        notices.append(f"text is converted from {facts['encoding']} to {target.encoding}")
    if missing := find_missing_tablespaces(work, target):
        notices.append(f"tablespaces are missing, their tables go to the default: {missing}")
    if (place := facts.get("tablespace")) not in (None, "pg_default"):
        notices.append(f"the database is made in the default tablespace, not in {place}")
    notices += [
        f"{s.name}: its rows of the snapshot are {s.status}"
        for s in work.streams
        if s.status == "carried"
    ]
    return notices


def require_archive(snapshot: StoredSnapshot) -> bytes:
    """Give the archive of definitions. Raises IntegrityError where the snapshot has none."""
    archive = snapshot.extra("pg-archive")
    if archive is None:
        raise IntegrityError("The snapshot holds no definitions.", subject=snapshot.name)
    return archive


def _table_of(stream: StoredStream) -> tuple[str, str]:
    return str(stream.schema["schema"]), str(stream.schema["table"])


def _root_of(stream: StoredStream) -> tuple[str, str]:
    if stream.schema["kind"] != "table":
        schema, _, table = stream.name.partition(".")
        return schema, table
    into = stream.schema["load_into"]
    return str(into["schema"]), str(into["table"])


def _root_name(stream: StoredStream) -> str:
    return stream_name(*_root_of(stream))
