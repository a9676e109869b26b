"""JSON lines: which kinds of message there are, and how a result becomes one.

A message is an object with `message_type` and the fields and properties of the class that the
table names. Each has a published JSON Schema of its name in `schemas/`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from listbackup.clock import format_time

_EVENTS = "listbackup.events"
_OPERATIONS = "listbackup.operations"

MESSAGES: Mapping[str, str] = {
    "version": "listbackup.cli.messages:Version",
    "error": "listbackup.cli.messages:ErrorTold",
    "progress": "listbackup.cli.tally:Progress",
    "step_started": f"{_EVENTS}:StepStarted",
    "step_done": f"{_EVENTS}:StepDone",
    "work_planned": f"{_EVENTS}:WorkPlanned",
    "stream_done": f"{_EVENTS}:StreamDone",
    "manifest_stored": f"{_EVENTS}:ManifestStored",
    "ledger_written": f"{_EVENTS}:LedgerWritten",
    "witness_advanced": f"{_EVENTS}:WitnessAdvanced",
    "key_stored": f"{_EVENTS}:KeyStored",
    "warned": f"{_EVENTS}:Warned",
    "waited": f"{_EVENTS}:Waited",
    "consent_ended": f"{_EVENTS}:ConsentEnded",
    "found": f"{_EVENTS}:Found",
    "initialised": f"{_OPERATIONS}.initialising:Initialised",
    "backed_up": f"{_OPERATIONS}.backups:BackedUp",
    "round_done": f"{_OPERATIONS}.rounds:RoundDone",
    "backup_plan": f"{_OPERATIONS}.backups:BackupPlan",
    "snapshot": f"{_OPERATIONS}.snapshots:SnapshotLine",
    "snapshot_detail": f"{_OPERATIONS}.snapshots:SnapshotDetail",
    "stream": f"{_OPERATIONS}.snapshots:StreamLine",
    "planned_restore": f"{_OPERATIONS}.restores:PlannedRestore",
    "restored": f"{_OPERATIONS}.restores:Restored",
    "compared": f"{_OPERATIONS}.restores:Compared",
    "diffed_stream": "listbackup.history.diffing:StreamDifference",
    "diffed_row": "listbackup.history.diffing:RowDifference",
    "diffed": f"{_OPERATIONS}.diffs:Diffed",
    "labelled": f"{_OPERATIONS}.labels:Labelled",
    "hold": f"{_OPERATIONS}.holds:HoldLine",
    "hold_released": f"{_OPERATIONS}.holds:Released",
    "pruned": f"{_OPERATIONS}.prunes:Pruned",
    "swept": f"{_OPERATIONS}.sweeps:SweepDone",
    "stats": f"{_OPERATIONS}.stats:Stats",
    "record_life": f"{_OPERATIONS}.finds:RecordLife",
    "find_done": f"{_OPERATIONS}.finds:FindDone",
    "query_row": f"{_OPERATIONS}.queries:QueryRow",
    "queried": f"{_OPERATIONS}.queries:Queried",
    "exported": f"{_OPERATIONS}.exports:Exported",
    "checked": f"{_OPERATIONS}.checks:Checked",
    "kit": f"{_OPERATIONS}.keys:KitShown",
    "kit_verified": f"{_OPERATIONS}.keys:KitVerified",
    "kit_forgotten": f"{_OPERATIONS}.keys:KitForgotten",
    "key_added": f"{_OPERATIONS}.keys:KeyAdded",
    "key": f"{_OPERATIONS}.keys:KeyLine",
    "enrolled": f"{_OPERATIONS}.keys:Enrolled",
    "probed": f"{_OPERATIONS}.probes:Probed",
    "source_tested": f"{_OPERATIONS}.sources:SourceTested",
    "connector": f"{_OPERATIONS}.connectors:ConnectorLine",
    "connector_shown": f"{_OPERATIONS}.connectors:ConnectorShown",
    "connector_checked": f"{_OPERATIONS}.connectors:ConnectorChecked",
    "connector_tried": f"{_OPERATIONS}.trials:ConnectorTried",
    "source": f"{_OPERATIONS}.sources:SourceLine",
    "source_connected": f"{_OPERATIONS}.connections:SourceConnected",
    "source_removed": f"{_OPERATIONS}.connections:SourceRemoved",
    "settings": f"{_OPERATIONS}.config:SettingsShown",
    "config_checked": f"{_OPERATIONS}.config:ConfigChecked",
    "diagnosed": f"{_OPERATIONS}.doctor:Diagnosed",
    "sandbox_serving": f"{_OPERATIONS}.sandbox:SandboxServing",
    "sandbox_stopped": f"{_OPERATIONS}.sandbox:SandboxStopped",
    "demo_step": f"{_OPERATIONS}.story:DemoStep",
    "demo_done": f"{_OPERATIONS}.story:DemoDone",
}
"""message_type -> the class whose fields and properties it has."""


@dataclass(frozen=True, slots=True)
class Version:
    """Which version this is."""

    version: str


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """Why a command ended with another exit code than 0; on standard error."""

    category: str
    exit_code: int
    message: str
    subject: str | None
    risk: str
    hint: str


def to_message(message_type: str, value: Any) -> dict[str, Any]:
    """Give a result as a message."""
    return {"message_type": message_type, **to_plain(value)}


def to_line(message: Mapping[str, Any], clean: Callable[[str], str]) -> str:
    """Write a message as one line, without the newline; `clean` takes secrets out of strings."""
    return json.dumps(_clean(message, clean), ensure_ascii=False)


def _clean(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {name: _clean(one, clean) for name, one in value.items()}
    if isinstance(value, list):
        return [_clean(one, clean) for one in value]
    return value


def to_plain(value: Any) -> Any:
    """Give dataclasses as objects of their fields and properties, times and paths as strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in members(type(value))}
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(one) for one in value]
    return value


def members(kind: type) -> Iterator[str]:
    """Name the fields of a dataclass, then its public properties."""
    yield from (field.name for field in fields(kind))
    for name, attribute in vars(kind).items():
        if isinstance(attribute, property) and not name.startswith("_"):
            yield name
