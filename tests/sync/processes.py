"""The processes of this machine, as Linux tells of them."""

from pathlib import Path


def children_of(parent: int) -> set[int]:
    """Name the living processes whose parent this one is."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, above = status.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(above) == parent and state != "Z":
            found.add(int(status.parent.name))
    return found
