"""The witness: what this installation has seen of a vault's ledgers, kept outside the vault.

`{vault, newest, ledgers: {name: {number, digest}}}` in an envelope signed by the installation's
own signer key, replaced in one step, never set back. Behind the vault is normal; ahead of it, or
different at the same number, means that the vault was rolled back or forged.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from listbackup.clock import format_time, parse_time
from listbackup.crypto.signing import read_envelope, write_envelope
from listbackup.errors import IntegrityError
from listbackup.vault.documents import read_document, write_document
from listbackup.vault.installation import Installation
from listbackup.vault.ledger import Mark

WITNESS_TYPE = "listbackup/witness/1"
_FILE = "witness.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """Marks by ledger name, and the newest signed time among them."""

    marks: Mapping[str, Mark] = field(default_factory=dict)
    newest: datetime | None = None


class KnownWitnesses:
    """What files of witnesses said that this process has verified or written: a file with the same
    bytes says the same, and all who read it share what it says. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[bytes, Seen]] = {}

    def find(self, vault: str, raw: bytes) -> Seen | None:
        """Give what was read of these bytes; None where they are new."""
        with self._lock:
            known = self._known.get(vault)
        return known[1] if known is not None and known[0] == raw else None

    def learn(self, vault: str, raw: bytes, seen: Seen) -> Seen:
        """Remember what these bytes say, in place of what others said."""
        with self._lock:
            self._known[vault] = raw, seen
        return seen


class Witness:
    """The witness of one vault in one installation."""

    def __init__(
        self, installation: Installation, vault: str, known: KnownWitnesses | None = None
    ) -> None:
        self._installation = installation
        self._vault = vault
        self._known = known or KnownWitnesses()

    def read(self) -> Seen | None:
        """Give what was seen; None at first contact. Raises IntegrityError when damaged."""
        raw = self._installation.read(self._vault, _FILE)
        if raw is None:
            return None
        return self._known.find(self._vault, raw) or self._known.learn(
            self._vault, raw, self._verify(raw)
        )

    def _verify(self, raw: bytes) -> Seen:
        path = self._installation.place(self._vault, _FILE)
        hint = f"If you trust the vault as it is now, remove {path} and look at it anew."
        envelope = read_envelope(raw, WITNESS_TYPE)
        signer = self._installation.signer(self._vault)
        if signer is None or not envelope.signed_by(signer.public):
            raise IntegrityError(
                "The witness of this installation is not signed by its key.",
                subject=str(path),
                hint=hint,
            )
        fields = read_document(envelope.payload, f"The witness {path}")
        if fields.text("vault") != self._vault:
            raise IntegrityError("The witness is another vault's.", subject=str(path), hint=hint)
        ledgers = fields.fields("ledgers")
        marks = {
            name: Mark(one.number("number"), one.text("digest"))
            for name in ledgers.value
            for one in (ledgers.fields(name),)
        }
        newest = fields.optional_text("newest")
        return Seen(marks, parse_time(newest) if newest else None)

    def advance(self, marks: Mapping[str, Mark], newest: datetime | None) -> None:
        """Bring marks forward, durably; a mark is never set back."""
        signer = self._installation.ensure_signer(self._vault)
        with self._installation.lock(f"{self._vault}/witness", wait=True):
            seen = self.read() or Seen()
            merged = dict(seen.marks)
            for name, mark in marks.items():
                if name not in merged or mark.number > merged[name].number:
                    merged[name] = mark
            times = [time for time in (seen.newest, newest) if time is not None]
            latest = max(times) if times else None
            if merged == dict(seen.marks) and latest == seen.newest:
                return
            document = {
                "vault": self._vault,
                "newest": format_time(latest) if latest else None,
                "ledgers": {
                    name: {"number": mark.number, "digest": mark.digest}
                    for name, mark in sorted(merged.items())
                },
            }
            raw = write_envelope(WITNESS_TYPE, write_document(document), signer)
            self._installation.write(self._installation.place(self._vault, _FILE), raw)
            self._known.learn(self._vault, raw, Seen(merged, latest))
