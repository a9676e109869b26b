"""Write the tables in docs/platforms/{name}.md from the platforms' descriptions.

`python tools/platformdocs.py` writes what stands between the marks of each table; the suite
compares. What is outside the marks is written by hand.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from listbackup.connectors.rest.loading import list_platforms, load_platform
from listbackup.connectors.rest.models.platform import Platform
from listbackup.connectors.rest.models.streams import Stream
from listbackup.connectors.rest.models.writing import ArchiveOnly

DOCS = Path(__file__).resolve().parent.parent / "docs/platforms"
_TABLE = re.compile(r"(<!-- table: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write_page(platform: Platform, page: str) -> str:
    """Give a page with its tables written anew. Raises KeyError for a table that there is not."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]](platform)}{found[3]}", page)


def _list_streams(platform: Platform) -> str:
    lines = ["| stream | what it has | what a later backup asks |", "|---|---|---|"]
    fed = {one.stream for feed in platform.feeds for one in feed.streams}
    for stream in platform.streams:
        title = stream.title + (" *" if stream.optional else "")
        lines.append(
            f"| `{stream.name}` | {title} | {_say_later(stream, fed=stream.name in fed)} |"
        )
    return "\n".join(lines) + "\n"


def _say_later(stream: Stream, *, fed: bool) -> str:
    all_again = f"; all every {stream.full_every // 86400} d"
    if stream.since is not None and stream.since.sees == "changed":
        return f"what changed{all_again}"
    if stream.since is not None and fed:
        return f"new ones, and what events name{all_again}"
    parent = stream.parent
    if parent is not None:
        where = f" with more in `{'.'.join(parent.where[:-1])}`" if parent.where else ""
        which = "that came" if parent.when == "changed" else ""
        said = " ".join(f"for each of `{parent.stream}` {which}".split()) + where
        return said + ("; what events name" if fed else "")
    return "all"


def _list_restores(platform: Platform) -> str:
    lines = ["| stream | comes back | what does not | mind |", "|---|---|---|---|"]
    for stream in platform.streams:
        restore = stream.restore
        if isinstance(restore, ArchiveOnly):
            lines.append(f"| `{stream.name}` | no | {restore.why} | |")
            continue
        back = "yes, with its id" if restore.id == "kept" else "yes"
        never = ", ".join(restore.never_back)
        lines.append(f"| `{stream.name}` | {back} | {never} | {restore.caution} |")
    return "\n".join(lines) + "\n"


def _list_operations(platform: Platform) -> str:
    said = {
        operation: f"`{stream.name}`" for stream in platform.streams for operation in stream.covers
    }
    said |= {one.operation: f"not backed up: {one.why}" for one in platform.excluded}
    lines = ["| list | stream |", "|---|---|"]
    lines += (f"| `{operation}` | {said[operation]} |" for operation in sorted(said))
    return "\n".join(lines) + "\n"


TABLES: Mapping[str, Callable[[Platform], str]] = {
    "streams": _list_streams,
    "restores": _list_restores,
    "operations": _list_operations,
}


if __name__ == "__main__":
    for name in list_platforms():
        place = DOCS / f"{name}.md"
        place.write_text(write_page(load_platform(name), place.read_text("utf-8")), "utf-8")
