"""What a person is asked for when a source is connected: secrets, settings and a consent.

In this order, for each secret: a file named for it, `LISTBACKUP_SECRET_{NAME}`,
`LISTBACKUP_SECRET_{NAME}_FILE`, the person at the terminal. It is never an argument. Knows no
terminal: whoever has one hands in a `Person`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from listbackup.app import App
from listbackup.connectors.rest.credentials import Wanted
from listbackup.errors import UsageError
from listbackup.log import SECRET_PREFIX, Secret

_LONGEST = 64 * 1024


class Person(Protocol):
    """Somebody who may be asked."""

    @property
    def there(self) -> bool:
        """Whether anybody would answer."""
        ...

    def ask(self, title: str, hint: str, *, secret: bool) -> str:
        """Ask for one thing; "" where nothing was said. A secret is not shown while it is
        typed."""
        ...

    def choose(self, title: str, ways: Sequence[str]) -> int:
        """Have one of several chosen; gives its place, the first is 0. Raises UsageError."""
        ...

    def show(self, url: str) -> None:
        """Open a browser on a URL, and say so."""
        ...

    def paste(self, url: str) -> str:
        """Have a URL opened on any machine; give the URL to which the browser was sent."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """What was named beside the command: files of secrets, by name or (under "") for the only
    one; how a consent is to come about."""

    secret_files: Mapping[str, Path] = field(default_factory=dict)
    headless: bool = False
    redirect: str | None = None


def read_secret_files(words: Sequence[str]) -> dict[str, Path]:
    """Read what `--secret-file` says: `NAME=FILE`, or a file alone."""
    files = {}
    for one in words:
        name, equals, path = one.partition("=")
        known = equals and name.replace("_", "a").isalnum()
        files[name if known else ""] = Path(path if known else one)
    return files


def collect_secrets(
    app: App, wanted: Sequence[Wanted], given: Given, person: Person
) -> dict[str, Secret]:
    """Collect the secrets. Raises UsageError that names every one that is missing."""
    names = [one.name for one in wanted]
    strange = next((name for name in given.secret_files if name and name not in names), None)
    if strange is not None:
        raise UsageError(
            f"No secret is called {strange!r} here.", hint=f"There are: {', '.join(names)}."
        )
    if "" in given.secret_files and len(wanted) != 1:
        raise UsageError(
            "--secret-file does not say which secret it holds.",
            hint=f"Write --secret-file NAME=FILE, for each of {', '.join(names)}.",
        )
    found = {one.name: _find_secret(app, one, given) for one in wanted}
    missing = [one for one in wanted if not found[one.name]]
    if missing and not person.there:
        listed = ", ".join(f"{one.name} ({one.title})" for one in missing)
        variable = SECRET_PREFIX + missing[0].name.upper()
        raise UsageError(
            f"Secrets are missing: {listed}.",
            hint=f"Set {variable} or {variable}_FILE, or give --secret-file "
            f"{missing[0].name}=FILE; on a terminal they are asked for.",
        )
    for one in missing:
        found[one.name] = _check(one, person.ask(one.title, one.hint, secret=True))
    secrets = {name: Secret(text) for name, text in found.items()}
    for secret in secrets.values():
        app.redactor.learn(secret.reveal())
    return secrets


def _find_secret(app: App, wanted: Wanted, given: Given) -> str:
    variable = SECRET_PREFIX + wanted.name.upper()
    path = given.secret_files.get(wanted.name) or given.secret_files.get("")
    said = app.environment.get(variable)
    named = app.environment.get(f"{variable}_FILE")
    if path is not None:
        return _check(wanted, _read(app, path))
    if said:
        return _check(wanted, said)
    return _check(wanted, _read(app, Path(named))) if named else ""


def _read(app: App, path: Path) -> str:
    try:
        text = app.host.disk.read(path.expanduser(), 0, _LONGEST + 1).decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The file of the secret is not text.", subject=str(path)) from None
    except OSError as error:
        raise UsageError(
            f"The file of the secret cannot be read: {error.strerror}.", subject=str(path)
        ) from error
    if len(text) > _LONGEST:
        raise UsageError("The file of the secret is too long to be one.", subject=str(path))
    return text


def _check(wanted: Wanted, text: str) -> str:
    """Give a secret without the white space around it. Raises UsageError for what could not
    stand in a header."""
    text = text.strip()
    if not text:
        raise UsageError(f"The secret {wanted.name} is empty.", hint=wanted.hint or wanted.title)
    if not text.isprintable():
        raise UsageError(
            f"The secret {wanted.name} has line breaks or other characters that cannot be sent.",
            hint=wanted.hint or wanted.title,
        )
    return text
