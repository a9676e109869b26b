"""A source as a file of its own: what `source add` writes, as people would write it.

Each value is text; the reader knows which kind each key wants. A dollar sign is doubled, so that
nothing that was typed is taken for a placeholder.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from listbackup.config.finding import STANZAS

Value = str | bool | Mapping[str, str]
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./:@-]*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off"})


def stanza_path(config: Path, name: str) -> Path:
    """Give the path of a source's file."""
    return config / STANZAS / f"{name}.yaml"


def write_stanza(name: str, stanza: Mapping[str, Value]) -> bytes:
    """Write a source's keys as YAML; empty values are left out."""
    lines = [f"# The source {name}; docs/sources.md tells every key. It holds no secret."]
    for key, value in stanza.items():
        if isinstance(value, bool):
            lines.append(f"{key}: {str(value).lower()}")
        elif isinstance(value, str):
            lines += [f"{key}: {_write(value)}"] if value else []
        else:
            inner = [f"  {_quote(one)}: {_write(value[one])}" for one in value if value[one]]
            lines += [f"{key}:", *inner] if inner else []
    return ("\n".join(lines) + "\n").encode()


def _write(text: str) -> str:
    return _quote(text.replace("$", "$$"))


def _quote(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and not text.endswith(":") and text.lower() not in _WORDS
    return text if plain else '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"
