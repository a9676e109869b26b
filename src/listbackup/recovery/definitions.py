"""Whether the definitions of what was restored are those of the snapshot, and which are not.

Both sides' facts may hold a summary, `definitions: {kind: {name: digest}}`; the kinds `owner` and
`grant` are compared only where owners and rights were asked for. Knows no engine.
"""

from collections.abc import Iterator, Mapping, Sequence

from listbackup.records import Closing, Identity, StoredSnapshot
from listbackup.records.restoring import Difference, RestoreOptions

NONE = "none"
Summary = Mapping[str, Mapping[str, str]]


def why_not_compared(
    snapshot: StoredSnapshot, closing: Closing, options: RestoreOptions, *, fresh: bool
) -> str | None:
    """Say why definitions cannot be compared; None where they can."""
    if snapshot.definitions is None or closing.definitions is None:
        return "none are kept"
    if options.is_partial:
        return "only a part was asked for"
    if snapshot.missing:
        return "the snapshot is partial"
    if not fresh:
        return "the target held other things before"
    return None


def compare_definitions(
    snapshot: StoredSnapshot, closing: Closing, options: RestoreOptions
) -> list[Difference]:
    """Name the definitions that differ."""
    expected, found = (side.facts.get("definitions", {}) for side in (snapshot, closing))
    left_out = {"owner"} if options.no_owner else set()
    left_out |= {"grant", "owner"} if options.no_privileges else set()
    if options.no_owner:
        left_out.add("grant")
    differences = list(_compare(expected, found, left_out))
    if not differences and snapshot.definitions != closing.definitions:
        differences.append(
            Difference(
                snapshot.identity.container,
                "definitions",
                str(snapshot.definitions),
                str(closing.definitions),
            )
        )
    return differences


def _compare(expected: Summary, found: Summary, left_out: set[str]) -> Iterator[Difference]:
    for kind in sorted({*expected, *found} - left_out):
        before, after = expected.get(kind, {}), found.get(kind, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                there = "another one" if name in before else "one that was not there"
                yield Difference(
                    f"{kind} {name}",
                    "definitions",
                    "as in the snapshot" if name in before else NONE,
                    there if name in after else NONE,
                )


def is_same_version(one: Identity, other: Identity) -> bool:
    """Whether two sources are of one major version; others word definitions differently."""
    return one.version.partition(".")[0] == other.version.partition(".")[0]


def sort_reworded(
    differences: Sequence[Difference], *, with_rights: bool
) -> tuple[list[Difference], list[str]]:
    """Sort differences where definitions may be the same in other words: what is lost stays a
    difference, the rest is only named. Between versions rights have other words always and are
    left out, and what is new is the newer version's way to say it."""
    lost = [d for d in differences if d.found == NONE or (with_rights and d.expected == NONE)]
    rest = [d.subject for d in differences if d not in lost]
    return lost, [s for s in rest if with_rights or not s.startswith(("grant ", "owner "))]
