"""Make the definitions of an archive with the bundled pg_restore, one section at a time."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from listbackup.connectors.postgres.address import Address
from listbackup.connectors.postgres.contents import Entry
from listbackup.connectors.postgres.tools import find_tool, grant_access, run_tool
from listbackup.errors import RestoreError

SETTINGS = "-c synchronous_commit=off -c maintenance_work_mem=256MB -c client_min_messages=warning"


@dataclass(frozen=True, slots=True)
class Archived:
    """An archive in a file, and where the list of what is wanted of it is put."""

    archive: Path
    wanted: Path


@contextmanager
def lay_out(archive: bytes) -> Iterator[Archived]:
    """Put an archive into a file that nobody else may read, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="listbackup-") as place:
        found = Archived(Path(place) / "archive", Path(place) / "wanted")
        found.archive.write_bytes(archive)
        yield found


def make_section(
    address: Address,
    environment: Mapping[str, str],
    server_version: int,
    archived: Archived,
    section: Literal["pre-data", "post-data"],
    entries: Iterable[Entry],
    *,
    jobs: int = 1,
    atomic: bool = False,
    owner: bool = True,
    privileges: bool = True,
    tablespaces: bool = True,
) -> None:
    """Run pg_restore for those of the entries that are of one section, in their order where there
    is one job; the first error ends it. `atomic` makes it all or nothing, with one job. Raises
    RestoreError."""
    archived.wanted.write_text("".join(f"{entry.number};\n" for entry in entries))
    arguments: list[str | Path] = [
        "--exit-on-error",
        f"--section={section}",
        f"--use-list={archived.wanted}",
        *([] if owner else ["--no-owner"]),
        *([] if privileges else ["--no-acl"]),
        *([] if tablespaces else ["--no-tablespaces"]),
        "--single-transaction" if atomic else f"--jobs={jobs}",
        archived.archive,
    ]
    program = find_tool("pg_restore", server_version)
    with grant_access(address, environment, purpose="listbackup-restore") as access:
        settings = {**access.environment, "PGOPTIONS": SETTINGS}
        process = run_tool(program, replace(access, environment=settings), arguments)
        try:
            _, said = process.communicate()
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        text = address.scrub(" ".join(said.decode(errors="replace").split()))
        raise RestoreError(
            f"Definitions ({section}) could not be made: {text[-800:] or 'no reason given'}",
            subject=address.masked,
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.communicate()
