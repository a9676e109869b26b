"""The witness: what this installation has seen of a vault's ledgers, kept outside the vault.

`{vault, newest, ledgers: {name: {number, digest}}}` in an envelope signed by the installation's
own signer key, replaced in one step, never set back. Behind the vault is normal; ahead of it, or
different at the same number, means that the vault was rolled back or forged.
"""

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


class Witness:
    """The witness of one vault in one installation."""

    def __init__(self, installation: Installation, vault: str) -> None:
        self._installation = installation
        self._vault = vault

    def read(self) -> Seen | None:
        """Give what was seen; None at first contact. Raises IntegrityError when damaged."""
        raw = self._installation.read(self._vault, _FILE)
        if raw is None:
            return None
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
