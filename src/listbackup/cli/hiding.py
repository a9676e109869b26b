"""Keep what is in this process's memory to itself: no dump of it is written when it dies, and `ps`
shows no passwords.

Linux keeps a process's arguments in its own memory; `/proc/self/stat` says where. Elsewhere, and
where anything is unusual, nothing is done: the warning about passwords in URLs holds anyway.
"""

import ctypes
import re
import resource
import sys

_PASSWORD = re.compile(rb"://[^\s:/@?#]*:([^\0]*)@|[?&]password=([^&\0]+)")
_FIRST, _LAST = 45, 46
"""Where `arg_start` and `arg_end` stand among the fields after the program's name."""


def forbid_dumps() -> None:
    """Have no core dump written of this process and of those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def hide_arguments() -> None:
    """Overwrite the passwords of URLs in this process's arguments with stars."""
    if not sys.platform.startswith("linux"):
        return
    try:
        with open("/proc/self/cmdline", "rb") as file:
            shown = file.read()
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[_FIRST]), int(fields[_LAST])
    except (OSError, ValueError, IndexError):
        return
    if end - start != len(shown):
        return
    for found in _PASSWORD.finditer(shown):
        group = 1 if found.group(1) is not None else 2
        at, size = found.start(group), found.end(group) - found.start(group)
        ctypes.memset(start + at, ord("*"), size)
