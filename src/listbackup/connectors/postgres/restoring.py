"""A PostgreSQL database as a destination: plan, write, read again, complete, discard.

The order of writing: tables and types, rows, sequences, large objects, then indexes, keys,
triggers and policies, then materialized views and statistics. Compares nothing itself.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import psycopg

from listbackup.connectors import ReadOptions
from listbackup.connectors.postgres import largeobjects
from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.analysing import Analysis
from listbackup.connectors.postgres.contents import (
    Entry,
    is_same,
    make_portable,
    read_contents,
)
from listbackup.connectors.postgres.loading import (
    Loader,
    explaining,
    load_large_objects,
    open_loading_session,
    run_statements,
)
from listbackup.connectors.postgres.names import quote, quote_literal, quote_table
from listbackup.connectors.postgres.obstacles import find_missing_roles, find_obstacles
from listbackup.connectors.postgres.planning import (
    Work,
    choose_work,
    condition_of,
    find_missing_tablespaces,
    list_left_out,
    list_notices,
    list_steps,
    require_archive,
)
from listbackup.connectors.postgres.properties import (
    write_database_properties,
    write_large_object_properties,
    write_settings,
)
from listbackup.connectors.postgres.rounds import plan_rounds
from listbackup.connectors.postgres.sections import lay_out, make_section
from listbackup.connectors.postgres.session import Connection, connect, speaking_of, translate
from listbackup.connectors.postgres.source import PostgresSource
from listbackup.connectors.postgres.target import (
    Target,
    create_database,
    drop_database,
    look_at_target,
    open_maintenance,
)
from listbackup.errors import RefusedError
from listbackup.events import Emit, StepDone, StepStarted, Warned, ignore
from listbackup.host import Host
from listbackup.records import Reading, StoredSnapshot
from listbackup.records.restoring import PlannedStream, RestoreOptions, RestorePlan

VIEW = "MATERIALIZED VIEW"


class PostgresTarget:
    """A `records.restoring.Destination`. `environment` is what child programs inherit."""

    def __init__(
        self,
        address: Address,
        host: Host,
        emit: Emit = ignore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._host = host
        self._emit = emit
        self._environment = dict(environment or {})
        self._created = False
        self._analysis: Analysis | None = None

    def plan(self, snapshot: StoredSnapshot, options: RestoreOptions) -> RestorePlan:
        """Say what `apply` would do; writes nothing. Raises AuthError, UsageError, SourceError."""
        target = look_at_target(self._address)
        work = self._choose(snapshot, options, target)
        missing = find_missing_roles(snapshot, work, options, target)
        return RestorePlan(
            snapshot=snapshot.name,
            source=snapshot.source,
            target=self._address.masked,
            container=self._address.database,
            creates=not target.exists,
            partial=not work.whole,
            streams=tuple(
                PlannedStream(s.name, s.rows, s.plain_bytes, condition_of(s, options))
                for s in work.streams
            ),
            steps=tuple(list_steps(work, snapshot, target)),
            left_out=tuple(list_left_out(work)),
            notices=tuple(list_notices(snapshot, work, target)),
            roles_to_create=tuple(missing) if options.create_roles else (),
            obstacles=tuple(find_obstacles(snapshot, work, options, target)),
        )

    def apply(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan, emit: Emit
    ) -> None:
        """Write what the plan says. Raises RefusedError, RestoreError, IntegrityError."""
        target = look_at_target(self._address)
        if target.exists == plan.creates:
            raise RefusedError(
                "The database was made or dropped by somebody else in the meantime.",
                subject=self._address.masked,
                hint="Run the restore again; it makes a new plan.",
            )
        work = self._choose(snapshot, options, target)
        self._prepare_server(snapshot, plan)
        entries = work.choice.entries
        with lay_out(make_portable(require_archive(snapshot))) as archived:
            make = partial(
                make_section,
                self._address,
                self._environment,
                target.version,
                archived,
                owner=not options.no_owner,
                privileges=not options.no_privileges,
                tablespaces=not find_missing_tablespaces(work, target),
            )
            self._step(
                emit, "definitions", lambda: make("pre-data", entries, atomic=not plan.creates)
            )
            self._load(snapshot, options, plan, work, emit)
            jobs = max(2, options.jobs)
            self._step(emit, "indexes and constraints", lambda: _make_later(make, entries, jobs))
        with open_loading_session(self._address) as session:
            made = {(e.schema, e.tag) for e in work.choice.entries if e.kind == VIEW}
            views = [(v["schema"], v["view"]) for v in _extra(snapshot, "pg-matviews")]
            refresh = [f"REFRESH {VIEW} {quote_table(*view)}" for view in views if view in made]
            self._step(emit, "materialized views", lambda: self._run(session, refresh))
        self._analysis = Analysis(self._address)

    def reopen(self, plan: RestorePlan) -> Reading:
        """Open a reading of the planned streams as they are now. Raises SourceError, AuthError."""
        names = tuple(stream.name for stream in plan.streams)
        wanted = ReadOptions(include=() if plan.creates and not plan.partial else names)
        return PostgresSource(
            self._address, wanted, self._host, environment=self._environment
        ).open()

    def confirm_definitions(self, snapshot: StoredSnapshot, reading: Reading) -> bool:
        """Compare the archive of the snapshot with one of what was made of it."""
        raw = snapshot.facts["database"]["encoding"] == "SQL_ASCII"
        found = next((e.body for e in reading.extras() if e.kind == "pg-archive"), b"")
        encoding = "latin-1" if raw else "utf-8"
        return is_same(require_archive(snapshot), found, encoding)

    def complete(
        self, snapshot: StoredSnapshot, options: RestoreOptions, plan: RestorePlan
    ) -> None:
        """Give the database its owner, rights, comment and settings, and see everything that was
        written on the disk. Raises RestoreError, AuthError."""
        if self._analysis:
            self._step(self._emit, "statistics", self._analysis.wait)
        facts = snapshot.facts["database"]
        properties = write_database_properties(
            self._address.database,
            facts,
            owner=not options.no_owner,
            privileges=not options.no_privileges,
        )
        with connect(self._address, purpose="listbackup-restore") as session:
            if plan.creates and not plan.partial:
                self._run(session, properties)
                self._set(session, write_settings(self._address.database, facts))
            # a commit that waits makes all earlier ones durable that did not
            self._run(session, ["SET synchronous_commit = on", "SELECT txid_current()"])

    def discard(self, plan: RestorePlan) -> bool:
        """Drop the database that `apply` created. Raises AuthError, SourceError."""
        if self._analysis:
            self._analysis.stop()
        if not self._created:
            return False
        drop_database(self._address)
        self._created = False
        return True

    def _choose(self, snapshot: StoredSnapshot, options: RestoreOptions, target: Target) -> Work:
        raw = snapshot.facts["database"]["encoding"] == "SQL_ASCII"
        entries = read_contents(require_archive(snapshot), "latin-1" if raw else "utf-8")
        return choose_work(snapshot, entries, options, target)

    def _prepare_server(self, snapshot: StoredSnapshot, plan: RestorePlan) -> None:
        facts = snapshot.facts["database"]
        with open_maintenance(self._address) as session, speaking_of(self._address):
            self._run(session, [f"CREATE ROLE {quote(r)} NOLOGIN" for r in plan.roles_to_create])
            if plan.creates:
                create_database(session, self._address.database, facts)
                self._created = True
        if plan.creates and not plan.partial:
            self._empty_database(snapshot)

    def _empty_database(self, snapshot: StoredSnapshot) -> None:
        """Take out what a new database has and the snapshot's had not."""
        had = {entry["name"] for entry in snapshot.facts.get("extensions", ())}
        statements = [] if "plpgsql" in had else ["DROP EXTENSION IF EXISTS plpgsql"]
        if not snapshot.facts.get("has_public", True):
            statements.append("DROP SCHEMA IF EXISTS public")
        with connect(self._address) as session:
            self._run(session, statements)

    def _load(
        self,
        snapshot: StoredSnapshot,
        options: RestoreOptions,
        plan: RestorePlan,
        work: Work,
        emit: Emit,
    ) -> None:
        raw = snapshot.facts["database"]["encoding"] == "SQL_ASCII"
        tables = [s for s in work.streams if s.name != largeobjects.STREAM]
        loader = Loader(self._address, options.jobs, emit, raw_encoding=raw)
        where = {s.name: s.condition for s in plan.streams if s.condition is not None}
        self._step(emit, "rows", lambda: loader.load(tables, where))
        with open_loading_session(self._address) as session:
            self._step(emit, "sequences", lambda: self._set_sequences(session, snapshot, work))
            if work.whole or largeobjects.STREAM in work.names:
                self._step(
                    emit,
                    "large objects",
                    lambda: self._make_large_objects(session, snapshot, options, work),
                )

    def _set_sequences(self, session: Connection, snapshot: StoredSnapshot, work: Work) -> None:
        made = {(e.schema, e.tag) for e in work.choice.entries if e.kind == "SEQUENCE"}
        self._run(
            session,
            (
                f"SELECT setval({quote_literal(quote_table(s['schema'], s['sequence']))}"
                f"::regclass, {int(s['last_value'])}, {bool(s['is_called'])})"
                for s in _extra(snapshot, "pg-sequences")
                if work.whole or (s["schema"], s["sequence"]) in made
            ),
        )

    def _make_large_objects(
        self, session: Connection, snapshot: StoredSnapshot, options: RestoreOptions, work: Work
    ) -> None:
        listed = _extra(snapshot, "pg-largeobjects")
        stream = next((s for s in work.streams if s.name == largeobjects.STREAM), None)
        explaining(
            self._address,
            largeobjects.STREAM,
            lambda: load_large_objects(session, stream, listed),
        )
        owner, privileges = not options.no_owner, not options.no_privileges
        self._run(
            session, write_large_object_properties(listed, owner=owner, privileges=privileges)
        )

    def _run(self, session: Connection, statements: Any) -> None:
        run_statements(session, statements, self._address, self._address.masked)

    def _set(self, session: Connection, statements: Iterable[str]) -> None:
        """Run what must not cost a restore that is proven already: settings of the database."""
        for statement in statements:
            try:
                session.execute(statement)
            except psycopg.Error as error:
                said = translate(error, self._address)
                self._emit(Warned(f"A setting was left out: {said.message}", hint=statement))

    def _step(self, emit: Emit, name: str, action: Any) -> None:
        started = self._host.clock.monotonic()
        emit(StepStarted(name))
        action()
        seconds = round(self._host.clock.monotonic() - started, 3)
        emit(StepDone(name, figures={"seconds": seconds}))


def _make_later(make: Callable[..., None], entries: Sequence[Entry], jobs: int) -> None:
    for one in plan_rounds(entries):
        make("post-data", one.entries, jobs=jobs if one.parallel else 1)


def _extra(snapshot: StoredSnapshot, kind: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = json.loads(snapshot.extra(kind) or b"[]")
    return found
