"""New files outside of the vault: whole under their name, or not there at all.

What is written goes to a temporary name beside it, is made durable, and only then gets its name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listbackup.errors import FailedError, RefusedError
from listbackup.host import Host

SUFFIX = ".partial"


@contextmanager
def new_file(path: Path, host: Host, *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well, what is there gets its name.
    Raises RefusedError where the name is taken and may not be replaced, FailedError where the
    file cannot be written."""
    temporary = path.with_name(f".{path.name[:80]}.{host.entropy(6).hex()}{SUFFIX}")
    if not replace and path.exists():
        raise _refuse(path)
    try:
        yield temporary
        host.disk.sync_file(temporary)
        if replace:
            host.disk.replace(temporary, path)
        else:
            host.disk.link(temporary, path)
        host.disk.sync_directory(path.parent)
    except FileExistsError as error:
        raise _refuse(path) from error
    except OSError as error:
        raise FailedError(
            f"{path} could not be written: {error.strerror or error}.",
            subject=str(path),
            risk="No data is at risk: the vault is not touched.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_file(path: Path, data: bytes, host: Host, *, replace: bool = False) -> None:
    """Write a small new file. Raises what `new_file` raises."""
    with new_file(path, host, replace=replace) as temporary:
        temporary.write_bytes(data)


def _refuse(path: Path) -> RefusedError:
    return RefusedError(
        f"{path} is there already.",
        subject=str(path),
        risk="No data is at risk: nothing was written.",
        hint="Name a new file, or say --force to replace it.",
    )
