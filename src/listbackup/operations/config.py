"""`config show` and `config check`: the settings that count, and what the file would do."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from listbackup.app import App, Reach
from listbackup.config.choosing import MASK, From, Setting, choose
from listbackup.config.finding import usual_places
from listbackup.config.loading import Configuration, Mistaken
from listbackup.config.models import OF_DATABASES, OF_PLATFORMS, Hooks, Retention
from listbackup.errors import ListbackupError
from listbackup.log import redactor_for
from listbackup.operations.hooks import RETRIES, TIMEOUT, USUAL_PATH, describe_hook
from listbackup.operations.preferences import ReadingWishes, choose_reading
from listbackup.operations.rounds import demand_configuration

Value = str | int | float | bool | tuple[str, ...] | None
_HOLDINGS = ("key_file", "passphrase_file", "passphrase", "kit_file")
_EVENTS = ("on_start", "on_success", "on_partial", "on_failure")
_CONNECTION = ("connector", *(one for one in OF_PLATFORMS if one != "settings"))
_USUAL_HOOKS = {"timeout": TIMEOUT, "retries": RETRIES}


@dataclass(frozen=True, slots=True)
class SettingShown:
    """One setting that counts, and where it comes from: a flag, a variable's name, `file:line`,
    or "" for a default. Secrets are masked."""

    name: str
    value: Value
    origin: From
    where: str


@dataclass(frozen=True, slots=True)
class SettingsShown:
    """Every setting that counts now. `path` is the file that was read; `places` are looked at
    where none is named."""

    path: str | None
    places: tuple[str, ...]
    settings: tuple[SettingShown, ...]


@dataclass(frozen=True, slots=True)
class SourceMeant:
    """What the file means for one source, in words. Secrets are masked."""

    name: str
    address: str
    keeps: tuple[str, ...]
    prunes: bool
    hooks: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigChecked:
    """A file that was tried: `mistakes` are not understood, `problems` would fail on this
    machine as it is."""

    path: str
    vault: str | None
    account: str
    sources: tuple[SourceMeant, ...]
    mistakes: tuple[str, ...]
    problems: tuple[str, ...]


def show_settings(app: App, reach: Reach) -> SettingsShown:
    """Show the settings that count. Raises UsageError, RefusedError for a file that is wrong."""
    found = app.configuration(reach)
    clean = redactor_for(app.environment).clean
    shown = tuple(_show(one, clean) for one in _list_settings(app, reach, found))
    places = usual_places(Path.cwd(), app.directories.config)
    path = str(found.path) if found is not None else None
    return SettingsShown(path, tuple(map(str, places)), shown)


def check_config(app: App, reach: Reach) -> ConfigChecked:
    """Try the file without opening vault or source. What is wrong is in the result. Raises
    UsageError where there is none, RefusedError where a stranger could have written it."""
    try:
        found = demand_configuration(app, reach, "The configuration file is to be tried")
    except Mistaken as error:
        return ConfigChecked(str(error.subject), None, "", (), error.mistakes, ())
    sources = tuple(_describe_source(app, reach, found, name) for name in found.document.sources)
    return ConfigChecked(
        str(found.path),
        app.vault_url(reach),
        app.account(reach),
        sources,
        (),
        tuple(_find_problems(app, reach, found)),
    )


def _show(one: Setting, clean: Any) -> SettingShown:
    value = one.value if one.shown is None else one.shown
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str):
        value = clean(value)
    if isinstance(value, tuple):
        value = tuple(map(clean, value))
    return SettingShown(one.name, value, one.origin, one.where)


def _list_settings(app: App, reach: Reach, found: Configuration | None) -> Iterator[Setting]:
    yield app.setting(reach, "vault", reach.url)
    own = app.speaks_of(reach)
    pin = (own.document.vault_id, own.place("vault_id")) if own is not None else None
    yield choose("vault_id", written=pin)
    yield app.setting(reach, "account", reach.account, "default")
    yield from _list_holdings(app, reach, own)
    yield app.setting(reach, "time_zone", default="UTC")
    yield choose("password_file", environment=app.environment)
    yield choose("config_dir", environment=app.environment, default=app.directories.config)
    yield choose("state_dir", environment=app.environment, default=app.directories.state)
    if found is None:
        return
    if found.document.retention is not None:
        yield from _list_retention("retention", found, found.document.retention, ("retention",))
    for event in Hooks.model_fields:
        yield _show_hook(
            f"hooks.{event}", found, (getattr(found.document.hooks, event), ("hooks", event))
        )
    for name in found.document.sources:
        yield from _list_source(app, reach, found, name)


def _list_holdings(app: App, reach: Reach, own: Configuration | None) -> Iterator[Setting]:
    effective = app.named(reach)
    by_flag = not reach.holding.empty
    for name in _HOLDINGS:
        value = getattr(effective, name)
        variable = f"LISTBACKUP_{name.upper()}"
        secret = name == "passphrase"
        if value is None:
            yield Setting(name, None, "default", "")
        elif by_flag:
            yield choose(name, flag=value)
        elif app.environment.get(variable):
            yield choose(name, environment=app.environment, secret=secret)
        elif own is not None:
            yield Setting(name, value, "file", own.place(name))


def _list_retention(
    prefix: str, found: Configuration, retention: Retention, trail: tuple[str | int, ...]
) -> Iterator[Setting]:
    for name in Retention.model_fields:
        value = getattr(retention, name)
        if name == "prune":
            place = found.place(*trail, name, "after_backup")
            yield choose(f"{prefix}.prune.after_backup", written=(value.after_backup, place))
        elif value is not None:
            yield Setting(f"{prefix}.{name}", value, "file", found.place(*trail, name))


def _show_hook(
    name: str, found: Configuration, chosen: tuple[Any, tuple[str | int, ...]] | None
) -> Setting:
    word = name.rpartition(".")[2]
    if chosen is None or chosen[0] is None:
        return Setting(name, _USUAL_HOOKS.get(word), "default", "")
    value, trail = chosen
    shown = None
    if word in _EVENTS:
        written = found.written(*trail)
        raw = tuple(written) if isinstance(written, list) else written
        shown = describe_hook(raw)
    return Setting(name, value, "file", found.place(*trail), shown)


def _list_source(app: App, reach: Reach, found: Configuration, name: str) -> Iterator[Setting]:
    prefix, said = f"sources.{name}", found.source(name)
    trail = ("sources", name)
    if said.connector is not None:
        yield from _list_connection(found, name)
    else:
        url = (said.url, found.place(*trail, "url"))
        shown = _show_address(app, reach, found, name)
        yield replace(choose(f"{prefix}.url", written=url), shown=shown)
        password = (said.password_file, found.place(*trail, "password_file"))
        yield choose(f"{prefix}.password_file", environment=app.environment, written=password)
    for one in choose_reading(ReadingWishes(), app.environment, found, name):
        if said.connector is None or one.name not in OF_DATABASES:
            yield replace(one, name=f"{prefix}.{one.name}")
    yield choose(f"{prefix}.tags", written=(said.tags, found.place(*trail, "tags")))
    yield choose(f"{prefix}.current", written=(said.current, found.place(*trail, "current")))
    retention = found.retention(name)
    if retention is not None:
        yield from _list_retention(f"{prefix}.retention", found, *retention)
    for event in Hooks.model_fields:
        yield _show_hook(f"{prefix}.hooks.{event}", found, found.hook(name, event))


def _list_connection(found: Configuration, name: str) -> Iterator[Setting]:
    prefix, said = f"sources.{name}", found.source(name)
    for key in _CONNECTION:
        if getattr(said, key) is not None:
            written = (getattr(said, key), found.place("sources", name, key))
            yield choose(f"{prefix}.{key}", written=written)
    for setting, value in said.settings.items():
        place = found.place("sources", name, "settings", setting)
        yield choose(f"{prefix}.settings.{setting}", written=(value, place))


def _show_address(app: App, reach: Reach, found: Configuration, name: str) -> str:
    """Give a source's address as it may be shown; what came from the environment stays unfilled."""
    said = found.source(name)
    if found.from_environment("sources", name, "url"):
        return str(found.written("sources", name, "url"))
    try:
        return app.named_endpoint(reach, name).shown
    except ListbackupError:
        return said.connector or f"{(said.url or '').partition('://')[0]}://{MASK}"


def _describe_source(app: App, reach: Reach, found: Configuration, name: str) -> SourceMeant:
    retention = found.retention(name)
    rules: list[str] = []
    prunes = False
    if retention is not None:
        said = retention[0].model_dump(exclude={"prune"}, exclude_none=True)
        rules = [f"{rule.replace('_', '-')} {_write(value)}" for rule, value in said.items()]
        prunes = retention[0].prune.after_backup
    hooks = [(event, found.hook(name, event)) for event in _EVENTS]
    return SourceMeant(
        name,
        redactor_for(app.environment).clean(_show_address(app, reach, found, name)),
        tuple(rules),
        prunes,
        tuple(f"{event} {describe_hook(one[0])}" for event, one in hooks if one and one[0]),
        found.source(name).tags or (),
    )


def _write(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _find_problems(app: App, reach: Reach, found: Configuration) -> Iterator[str]:
    if not app.vault_url(reach):
        yield "No vault is named: write `vault:`, give --vault or set LISTBACKUP_VAULT."
    document = found.document
    for key in ("key_file", "passphrase_file", "kit_file"):
        yield from _look_at_file(key, getattr(document, key), found.place(key))
    for name, said in document.sources.items():
        place = found.place("sources", name, "password_file")
        yield from _look_at_file(f"sources.{name}.password_file", said.password_file, place)
        try:
            endpoint = app.named_endpoint(reach, name)
        except ListbackupError as error:
            key = "url" if said.url else "connector"
            yield f"sources.{name}.{key}: {error.message}  ({found.place('sources', name, key)})"
            continue
        if endpoint.address.password_in_url and not found.from_environment("sources", name, "url"):
            yield (
                f"sources.{name}.url: it holds a password, which whoever reads the file sees; "
                f"use password_file  ({found.place('sources', name, 'url')})"
            )
        for event in _EVENTS:
            yield from _look_at_hook(app, found, name, event)


def _look_at_file(key: str, path: Path | None, place: str) -> Iterator[str]:
    if path is None:
        return
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        yield f"{key}: {path}: {error.strerror}  ({place})"
        return
    if not os.access(path, os.R_OK):
        yield f"{key}: {path} cannot be read by us  ({place})"
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"{key}: {path} is open to others; chmod 600 it  ({place})"


def _look_at_hook(app: App, found: Configuration, name: str, event: str) -> Iterator[str]:
    chosen = found.hook(name, event)
    if chosen is None or not isinstance(chosen[0], tuple) or not chosen[0]:
        return
    program = chosen[0][0]
    if shutil.which(program, path=app.environment.get("PATH") or USUAL_PATH) is None:
        yield f"sources.{name}: {event}: there is no program {program}  ({found.place(*chosen[1])})"
