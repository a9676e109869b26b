"""Directories and environment: where an installation keeps its state and its keys.

Flag > `LISTBACKUP_*` > default. Knows no vault.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Directories:
    """`config` holds keys and kits, `state` pins, signer keys and witnesses, `cache` what can be
    fetched again."""

    config: Path
    state: Path
    cache: Path


def find_directories(environment: Mapping[str, str]) -> Directories:
    """Find the directories: LISTBACKUP_CONFIG_DIR, _STATE_DIR and _CACHE_DIR, else XDG's."""
    home = Path(environment.get("HOME") or Path.home())
    config = environment.get("XDG_CONFIG_HOME") or home / ".config"
    state = environment.get("XDG_STATE_HOME") or home / ".local" / "state"
    cache = environment.get("XDG_CACHE_HOME") or home / ".cache"
    return Directories(
        Path(environment.get("LISTBACKUP_CONFIG_DIR") or Path(config, "listbackup")),
        Path(environment.get("LISTBACKUP_STATE_DIR") or Path(state, "listbackup")),
        Path(environment.get("LISTBACKUP_CACHE_DIR") or Path(cache, "listbackup")),
    )
