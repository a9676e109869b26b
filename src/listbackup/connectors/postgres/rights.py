"""Which roles the definitions of an archive speak of: owners, grantees, policies, defaults.

Reads pg_dump's own statements, whose form is fixed; knows no connection.
"""

import re
from collections.abc import Iterable, Iterator

from listbackup.connectors.postgres.contents import Entry

TOKEN = re.compile(r"""E?'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|[^\W\d][\w$]*|\S""", re.DOTALL)
NOT_ROLES = frozenset({"public", "current_user", "session_user", "current_role"})
GRANTING = frozenset({"ACL", "DEFAULT ACL"})


def find_owners(entries: Iterable[Entry]) -> set[str]:
    """Name the roles that own something."""
    return {entry.owner for entry in entries if entry.owner and entry.kind != "DATABASE"}


def find_grantees(entries: Iterable[Entry]) -> set[str]:
    """Name the roles that rights are given to, taken from, or defaulted for."""
    found: set[str] = set()
    for entry in entries:
        if entry.kind in GRANTING:
            found |= _roles_after(entry.definition, {"TO", "FROM", "ROLE"})
    return found


def find_policy_roles(entries: Iterable[Entry]) -> set[str]:
    """Name the roles that policies and user mappings hold for: needed whatever is left out."""
    found: set[str] = set()
    for entry in entries:
        if entry.kind == "POLICY":
            found |= _roles_after(entry.definition, {"TO"}, until={"USING", "WITH"})
        elif entry.kind == "USER MAPPING":
            found |= _roles_after(entry.definition, {"FOR"})
    return found


def _roles_after(statements: str, marks: set[str], until: set[str] | None = None) -> set[str]:
    found: set[str] = set()
    for statement in _split(statements):
        reading = False
        for token, following in zip(statement, [*statement, ""][1:], strict=True):
            if token in marks:
                reading = True
            elif token in (until or set()):
                break
            elif reading and token != ",":
                name = _unquote(token)
                if name is not None and name not in NOT_ROLES:
                    found.add(name)
                reading = following == ","
    return found


def _split(statements: str) -> Iterator[list[str]]:
    current: list[str] = []
    for token in TOKEN.findall(statements):
        if token == ";":
            yield current
            current = []
        else:
            current.append(token)
    yield current


def _unquote(token: str) -> str | None:
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    return token.lower() if re.match(r"[^\W\d]", token) else None
