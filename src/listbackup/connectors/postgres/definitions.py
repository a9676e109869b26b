"""Definitions of a database as comparable text: collected from the catalogs, digested, summarised.

The same code runs when a snapshot is made and after it was restored. Expressions are compared
without parentheses, casts and white space: PostgreSQL writes an expression otherwise once it has
been dumped and read back (`(ARRAY['a'::varchar])::text[]`), and means the same.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from listbackup.connectors.postgres.definitionqueries import list_queries
from listbackup.connectors.postgres.session import Connection

Definition = tuple[str, str, str]
"""Kind, name, definition."""

OF_ROLES = frozenset({"owner", "grant"})
"""Kinds that depend on roles: left out of the digest, compared only where roles are restored."""

CAST = re.compile(
    r'::(?:"[^"]*"|[a-z_][a-z0-9_]*)(?:\.(?:"[^"]*"|[a-z_][a-z0-9_]*))*'
    r"(?: varying| precision)?(?:\(\d+(?:,\d+)?\))?(?: with(?:out)? time zone)?(?:\[\])*",
    re.IGNORECASE,
)
NOISE = re.compile(r"[\s()]+")


def collect(connection: Connection, barred: Collection[int] = ()) -> list[Definition]:
    """Collect all definitions that people made, sorted by kind and name, but those of `barred`
    relations (OIDs). The session is pinned. Raises psycopg.Error."""
    found: set[Definition] = set()
    for query in list_queries(connection.info.server_version, barred):
        for kind, name, definition in connection.execute(query):
            found.add((kind, name, normalise(definition or "")))
    return sorted(found)


def normalise(definition: str) -> str:
    """Bring the expressions after U+001F into one form; what stands before is kept."""
    exact, mark, expressions = definition.partition("\x1f")
    if not mark:
        return definition
    while True:
        stripped = CAST.sub("", expressions)
        if stripped == expressions:
            break
        expressions = stripped
    return f"{exact}\x1f{NOISE.sub('', expressions)}"


def digest_definitions(definitions: Iterable[Definition]) -> str:
    """Digest definitions, those of roles left out: `sha256:hex`."""
    kept = [list(one) for one in definitions if one[0] not in OF_ROLES]
    text = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def summarise(definitions: Iterable[Definition]) -> dict[str, dict[str, str]]:
    """Give `{kind: {name: 16 hex digits}}`, enough to name what differs."""
    summary: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, name, definition in definitions:
        digest = hashlib.sha256(definition.encode("utf-8", "surrogatepass"))
        summary[kind][name] = digest.hexdigest()[:16]
    return dict(summary)


def compare_summaries(
    expected: Mapping[str, Mapping[str, str]],
    found: Mapping[str, Mapping[str, str]],
    leave_out: Collection[str] = (),
) -> list[tuple[str, str, str]]:
    """Compare two summaries: (kind, name, `missing`|`added`|`altered`), sorted. `leave_out` are
    kinds that are not compared."""
    differences = []
    for kind in sorted({*expected, *found} - set(leave_out)):
        before, after = expected.get(kind, {}), found.get(kind, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                change = "altered" if name in before and name in after else "added"
                differences.append((kind, name, "missing" if name not in after else change))
    return differences
