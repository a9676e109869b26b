"""Runs a script where nothing but the standard library and cryptography can be imported.

    python -I alone.py SCRIPT [ARGUMENTS]

Ends with the script's exit code, or 99 when something else was imported all the same.
"""

import importlib.abc
import importlib.machinery
import runpy
import sys
import types
from collections.abc import Sequence

ALLOWED = {*sys.stdlib_module_names, "cryptography", "_openssl", "cffi", "_cffi_backend"}


class Door(importlib.abc.MetaPathFinder):
    """Refuses every import of what is not allowed, wherever it may lie."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Let what is allowed be found by the finders behind this one."""
        if fullname.partition(".")[0] in ALLOWED:
            return None
        raise ModuleNotFoundError(f"{fullname} is not allowed here", name=fullname)


def main() -> None:
    """Shut the door and run the script."""
    before = set(sys.modules)
    sys.meta_path.insert(0, Door())
    sys.argv = sys.argv[1:]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        if any(name.partition(".")[0] not in ALLOWED for name in set(sys.modules) - before):
            sys.exit(99)


if __name__ == "__main__":
    main()
