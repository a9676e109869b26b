"""`vault probe`: what a store really does; `init` asks it too, with less effort."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from listbackup.app import App
from listbackup.objectstore.findings import QUICK, Effort, Finding
from listbackup.objectstore.probe import probe, refuse_unfit


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found at a store, on whose clock; `fit` says that it may hold a vault."""

    url: str
    at: datetime
    fit: bool
    effort: Effort
    findings: tuple[Finding, ...]


def probe_store(app: App, url: str, *, volatile: bool = False) -> Probed:
    """Try out a store with four clients. Raises UsageError, AuthError, StoreError, and
    RefusedError for a directory that takes nothing; a store that is unfit is in the result."""
    found = probe(lambda: app.plain_store(url, volatile=volatile), app.host)
    return Probed(found.url, found.at, found.fit, found.effort, found.findings)


def probe_for_writing(app: App, url: str, *, volatile: bool) -> Mapping[str, Any]:
    """Try out quickly whether a store may hold a vault, and give the result for the account's
    ledger. Raises RefusedError when it may not."""
    found = probe(lambda: app.plain_store(url, volatile=volatile), app.host, QUICK)
    refuse_unfit(found)
    return found.to_json()
