"""What belongs to a database or a large object and is in no archive: owner, rights, comment,
settings; written as statements. Knows no connection."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from listbackup.connectors.postgres.names import quote, quote_literal

ITEM = re.compile(r'("(?:[^"]|"")*"|[^="]*)=([a-zA-Z*]*)/(.*)', re.DOTALL)
RIGHTS = {
    "DATABASE": {"C": "CREATE", "T": "TEMPORARY", "c": "CONNECT"},
    "LARGE OBJECT": {"r": "SELECT", "w": "UPDATE"},
}
LISTS = frozenset(
    "local_preload_libraries search_path session_preload_libraries shared_preload_libraries "
    "temp_tablespaces unix_socket_directories".split()
)
"""Settings whose value is a list of quoted names."""


def write_grants(kind: str, name: str, acl: Sequence[str] | None, owner: str) -> Iterator[str]:
    """Write the statements that give an object the rights of an ACL; none where it is NULL."""
    if acl is None:
        return
    if kind == "DATABASE":
        yield f"REVOKE ALL ON {kind} {name} FROM PUBLIC"
    yield f"REVOKE ALL ON {kind} {name} FROM {quote(owner)}"
    for item in acl:
        grantee, letters = read_item(item)
        whom = quote(grantee) if grantee else "PUBLIC"
        for letter, star in re.findall(r"([a-zA-Z])(\*?)", letters):
            if right := RIGHTS[kind].get(letter):
                option = " WITH GRANT OPTION" if star else ""
                yield f"GRANT {right} ON {kind} {name} TO {whom}{option}"


def read_item(item: str) -> tuple[str, str]:
    """Split an ACL item into grantee (empty for PUBLIC) and letters. Raises ValueError."""
    found = ITEM.fullmatch(item)
    if not found:
        raise ValueError(f"not an item of an access list: {item}")
    return unquote(found[1]), found[2]


def unquote(name: str) -> str:
    """Take the quotes off a name, if it has any."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def write_setting(database: str, role: str | None, setting: str) -> str:
    """Write the ALTER that makes a setting `name=value` hold in a database, for a role or all."""
    name, _, value = setting.partition("=")
    if name.lower() in LISTS:
        pieces = re.findall(r'"(?:[^"]|"")*"|[^,\s]+', value)
        written = ", ".join(quote_literal(unquote(piece)) for piece in pieces) or "''"
    else:
        written = quote_literal(value)
    whose = f"ROLE {quote(role)} IN DATABASE" if role else "DATABASE"
    parameter = ".".join(quote(part) for part in name.split("."))
    return f"ALTER {whose} {quote(database)} SET {parameter} TO {written}"


def write_database_properties(
    name: str, facts: Mapping[str, Any], *, owner: bool, privileges: bool
) -> Iterator[str]:
    """Write what makes a database like the one of the facts, beside its contents."""
    database = quote(name)
    if owner:
        yield f"ALTER DATABASE {database} OWNER TO {quote(facts['owner'])}"
    if privileges and owner:
        yield from write_grants("DATABASE", database, facts.get("acl"), facts["owner"])
    if (limit := facts.get("connection_limit", -1)) != -1:
        yield f"ALTER DATABASE {database} CONNECTION LIMIT {int(limit)}"
    if comment := facts.get("comment"):
        yield f"COMMENT ON DATABASE {database} IS {quote_literal(comment)}"


def write_settings(name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Write the settings that hold in a database."""
    for entry in facts.get("settings", ()):
        yield write_setting(name, entry["role"], entry["setting"])


def write_large_object_properties(
    objects: Sequence[Mapping[str, Any]], *, owner: bool, privileges: bool
) -> Iterator[str]:
    """Write what makes large objects like those listed in the extra `pg-largeobjects`."""
    for entry in objects:
        name = str(int(entry["oid"]))
        if owner:
            yield f"ALTER LARGE OBJECT {name} OWNER TO {quote(entry['owner'])}"
        if privileges and owner:
            yield from write_grants("LARGE OBJECT", name, entry.get("acl"), entry["owner"])
        if comment := entry.get("comment"):
            yield f"COMMENT ON LARGE OBJECT {name} IS {quote_literal(comment)}"
