"""A machine to type commands on: directories of its own, every message checked by its schema."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import listbackup.cli
from listbackup.cli.main import run

SCHEMAS = Path(listbackup.cli.__file__).parent / "schemas"
OWN = ("LISTBACKUP_", "PG", "AWS_")


@cache
def validator(message_type: str) -> jsonschema.Draft202012Validator:
    """Give the validator of a published schema."""
    schema = json.loads((SCHEMAS / f"{message_type}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read_messages(text: str) -> list[dict[str, Any]]:
    """Read JSON lines, each valid by the schema of its type."""
    messages = [json.loads(line) for line in text.splitlines()]
    for message in messages:
        validator(message["message_type"]).validate(message)
    return messages


@dataclass(frozen=True)
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it said with --json."""
        return read_messages(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one error it told with --json."""
        (message,) = read_messages(self.err)
        return message

    def the(self, message_type: str) -> dict[str, Any]:
        """The one message of a type."""
        (found,) = [one for one in self.messages if one["message_type"] == message_type]
        return found


class Machine:
    """One user on one machine. `run` stays in this process, `spawn` starts another."""

    def __init__(
        self, home: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self.config = home / "config"
        self.state = home / "state"
        self._patch = patch
        self._capture = capture
        self._environment: dict[str, str] = {}

    @property
    def vault(self) -> str:
        """Where the vault is that commands mean when they name none."""
        return self._environment["LISTBACKUP_VAULT"]

    def set(self, **variables: str | None) -> None:
        """Set variables of the environment, or take them away."""
        for name, value in variables.items():
            self._environment.pop(name, None)
            if value is not None:
                self._environment[name] = value

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(OWN)}
        own = {
            "HOME": str(self.home),
            "LISTBACKUP_CONFIG_DIR": str(self.config),
            "LISTBACKUP_STATE_DIR": str(self.state),
        }
        return kept | own | self._environment

    def run(self, *words: str | Path) -> Answer:
        """Type a command."""
        with self._patch.context() as patch:
            for name in [name for name in os.environ if name.startswith(OWN)]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            self._capture.readouterr()
            code = run([str(word) for word in words])
        told = self._capture.readouterr()
        return Answer(code, told.out, told.err)

    def do(self, *words: str | Path) -> Answer:
        """Type a command that has to succeed."""
        answer = self.run(*words)
        assert answer.code == 0, answer.err
        return answer

    def ask(self, *words: str | Path) -> list[dict[str, Any]]:
        """Type a command with --json that has to succeed; give its messages."""
        return self.do(*words, "--json").messages

    def spawn(self, *words: str | Path, **options: Any) -> "subprocess.Popen[str]":
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "listbackup", *map(str, words)],
            env=self.environment,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def init(self, *words: str | Path) -> Mapping[str, Any]:
        """Make a vault beside the home, and mean it from now on."""
        where = self.home.parent / "vault"
        self.set(LISTBACKUP_VAULT=str(where))
        return self.do("init", where, "--volatile", "--json", *words).the("initialised")
