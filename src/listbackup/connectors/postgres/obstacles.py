"""Why a restore must not begin: found before anything is written, each with what helps."""

import json
from collections.abc import Iterator

from listbackup.connectors.postgres.planning import Work, find_conflicts
from listbackup.connectors.postgres.properties import read_item, unquote
from listbackup.connectors.postgres.rights import find_grantees, find_owners, find_policy_roles
from listbackup.connectors.postgres.target import Target
from listbackup.records import StoredSnapshot, StoredStream
from listbackup.records.encodings import open_encoding
from listbackup.records.restoring import Obstacle, RestoreOptions

ROLE_TYPES = frozenset({"regrole", "aclitem"})
SPECIAL = frozenset({"", "-", "PUBLIC"})


def find_obstacles(
    snapshot: StoredSnapshot, work: Work, options: RestoreOptions, target: Target
) -> Iterator[Obstacle]:
    """Find what stands in the way, the gravest first."""
    yield from _find_unfit_server(snapshot, target)
    yield from _find_occupied(work, options, target)
    yield from _find_missing_extensions(work, target)
    yield from _find_missing_rights(snapshot, work, options, target)


def find_missing_roles(
    snapshot: StoredSnapshot, work: Work, options: RestoreOptions, target: Target
) -> list[str]:
    """Name the roles that the restore needs and the server lacks."""
    return sorted(_find_needed_roles(snapshot, work, options) - target.roles)


def _find_needed_roles(snapshot: StoredSnapshot, work: Work, options: RestoreOptions) -> set[str]:
    entries = work.choice.entries
    needed = find_policy_roles(entries)
    if not options.no_owner:
        needed |= find_owners(entries)
    if not options.no_privileges:
        needed |= find_grantees(entries)
    for entry in json.loads(snapshot.extra("pg-largeobjects") or b"[]") if work.whole else []:
        needed |= set() if options.no_owner else {str(entry["owner"])}
        if not options.no_privileges:
            needed |= {read_item(item)[0] for item in entry["acl"] or ()} - SPECIAL
    facts = snapshot.facts["database"]
    if work.whole:
        needed |= {str(s["role"]) for s in facts.get("settings", ()) if s["role"]}
        needed |= set() if options.no_owner else {str(facts["owner"])}
        if not options.no_privileges:
            needed |= {read_item(item)[0] for item in facts.get("acl") or ()} - SPECIAL
    for stream in work.streams:
        needed |= find_roles_in_values(stream)
    return needed


def find_roles_in_values(stream: StoredStream) -> set[str]:
    """Name the roles that stand in columns of the types regrole and aclitem."""
    places = [
        (place, str(column["type"]))
        for place, column in enumerate(stream.schema["columns"])
        if str(column["type"]).removesuffix("[]") in ROLE_TYPES
    ]
    found: set[str] = set()
    if not places:
        return found
    encoding = open_encoding(stream.encoding, stream.schema)
    for chunk in stream.chunks():
        for line in encoding.to_lines(chunk).splitlines():
            row = json.loads(line)
            for place, kind in places:
                if row[place] is not None:
                    found |= _read_roles(str(row[place]), kind)
    return {name for name in found if name not in SPECIAL and not name.isdecimal()}


def _read_roles(value: str, kind: str) -> set[str]:
    pieces = [value]
    if kind.endswith("[]"):
        pieces = [unquote(piece).replace("\\", "") for piece in value.strip("{}").split(",")]
    if kind.startswith("aclitem"):
        grantors = {unquote(piece.rpartition("/")[2]) for piece in pieces if "/" in piece}
        return grantors | {read_item(piece)[0] for piece in pieces if "=" in piece}
    return {unquote(piece) for piece in pieces if piece != "NULL"}


def _find_unfit_server(snapshot: StoredSnapshot, target: Target) -> Iterator[Obstacle]:
    ours, theirs = int(snapshot.facts["server_version"]) // 10000, target.version // 10000
    if theirs < ours:
        yield Obstacle(
            f"the snapshot is of PostgreSQL {ours}, the server is {theirs}",
            (),
            f"Restore into PostgreSQL {ours} or newer: older ones do not know its definitions.",
        )
    if target.in_recovery:
        yield Obstacle("the server is a replica", (), "Restore into its primary.")
    encoding = snapshot.facts["database"]["encoding"]
    if target.exists and "SQL_ASCII" in (encoding, target.encoding) and encoding != target.encoding:
        yield Obstacle(
            f"the database's encoding is {target.encoding}, the snapshot's {encoding}",
            (),
            "Name a database that does not exist yet: it is made with the right encoding.",
        )


def _find_occupied(work: Work, options: RestoreOptions, target: Target) -> Iterator[Obstacle]:
    if not target.exists:
        if not target.may_create_databases:
            yield Obstacle(
                "the database does not exist and may not be created by",
                (target.user,),
                "Give the user CREATEDB, or create an empty database for it.",
            )
        return
    if not target.is_empty and not options.into_existing:
        yield Obstacle(
            "the database exists and is not empty",
            (),
            "Name one that does not exist, or write beside what is there: --into-existing.",
        )
    elif conflicts := find_conflicts(work, target):
        yield Obstacle(
            "these are there already",
            tuple(conflicts),
            "Rename or drop them first, or choose others: nothing is ever overwritten.",
        )


def _find_missing_extensions(work: Work, target: Target) -> Iterator[Obstacle]:
    needed = {entry.tag for entry in work.choice.entries if entry.kind == "EXTENSION"}
    if missing := sorted(needed - target.extensions):
        yield Obstacle(
            "extensions are not installed on the server",
            tuple(missing),
            "Install them there.",
        )


def _find_missing_rights(
    snapshot: StoredSnapshot, work: Work, options: RestoreOptions, target: Target
) -> Iterator[Obstacle]:
    missing = find_missing_roles(snapshot, work, options, target)
    if missing and not options.create_roles:
        yield Obstacle(
            "roles are missing on the server",
            tuple(missing),
            "Make them without login: --create-roles. Do without: --no-owner --no-privileges.",
        )
    elif missing and not target.may_create_roles:
        yield Obstacle(
            "roles are missing and may not be created by", (target.user,), "Give it CREATEROLE."
        )
    if not options.no_owner and not target.superuser:
        owners = find_owners(work.choice.entries) - target.member_of
        if work.whole and not target.exists:
            owners |= {str(snapshot.facts["database"]["owner"])} - target.member_of
        if foreign := sorted(owners - set(missing)):
            yield Obstacle(
                f"{target.user} may not give things to",
                tuple(foreign),
                "Make it a member of these roles, or leave owners out: --no-owner.",
            )
