"""What a valid signer may try: one function for each lie, and whether it must be refused.

`REFUSED`: reading the snapshot raises an error of integrity or refusal, and `check` says so.
`NOTICED`: `check` names it. `HARMLESS`: odd, but allowed; it is read as it is. `BOMBS` are refused
or read in bounded memory.
"""

from collections.abc import Callable
from typing import Any

from listbackup.vault.codecs import Squeezer
from tests.proof.forging import Document, Forger

Lie = Callable[[Forger], None]
STREAM = "public.a"
MEBIBYTE = 2**20
HUGE = 600 * MEBIBYTE

BAD_KEYS = {
    "upwards": "accounts/default/sources/shop/../../../../../../etc/passwd",
    "within": "accounts/default/sources/shop/raw/../../crm/x",
    "absolute": "/etc/passwd",
    "nul": "accounts/default/sources/shop/raw/a\0b",
    "64 KiB": "accounts/default/sources/shop/raw/" + "x" * 65536,
    "upper case": "accounts/default/sources/shop/RAW/X",
    "unicode": "accounts/default/sources/shop/raw/\u00e9",
    "direction": "accounts/default/sources/shop/raw/\u202ex",
    "empty part": "accounts/default/sources/shop/raw//x",
    "dot": "accounts/default/sources/shop/raw/./x",
    "backslash": "accounts/default/sources/shop/raw\\x",
    "drive": "C:/windows",
    "other source": "accounts/default/sources/crm/raw/2026/11/01/x/pack-001.bin",
    "other account": "accounts/other/sources/shop/raw/2026/11/01/x/pack-001.bin",
    "ordinal": "accounts/default/sources/shop/raw/pack-001.bin#-1",
    "ordinals": "accounts/default/sources/shop/raw/pack-001.bin#0#1",
    "ledger": "accounts/default/ledger/000000000001.json",
}
BAD_NUMBERS: dict[str, Any] = {
    "negative": -1,
    "2^63": 2**63,
    "10^400": 10**400,
    "fraction": 1.5,
    "text": "5",
    "true": True,
    "nothing": None,
}
ODD_NAMES = {
    "upwards": "../../../../tmp/up",
    "absolute": "/etc/passwd",
    "nul": "a\0b",
    "64 KiB": "n" * 65536,
    "upper case": "PUBLIC.A",
    "composed": "\u00e9",
    "decomposed": "e\u0301",
    "half a pair": "\ud800",
    "device": "con",
    "escape": "\x1b[2J\x1b]0;x\x07",
    "line": "a\r\nb",
    "empty": "",
}


def _batch(forger: Forger) -> Document:
    batch: Document = forger.state["batches"][0]
    return batch


def _key(where: str, key: str) -> Lie:
    def lie(forger: Forger) -> None:
        if where == "batch":
            _batch(forger)["key"] = key
        elif where == "state":
            forger.stream["lie"] = {"key": key}
        elif where == "object":
            forger.manifest["objects"].append(
                {"key": key, "form": "plain", "bytes": 1, "sha256": "sha256:00"}
            )
        else:
            forger.entry["manifest"] = {**_batch(forger), "key": key}

    return lie


def _number(where: str, field: str, value: Any) -> Lie:
    def lie(forger: Forger) -> None:
        if where == "batch":
            _batch(forger)[field] = value
        elif where == "stream":
            forger.stream[field] = value
        else:
            forger.state[field] = value

    return lie


def _name(name: str) -> Lie:
    return lambda forger: _keep(forger.twin(name))


def _keep(value: object) -> None:
    """Take what is of no interest here."""


def _put(target: str, **fields: Any) -> Lie:
    def lie(forger: Forger) -> None:
        if target == "batch":
            _batch(forger).update(fields)
        else:
            getattr(forger, target).update(fields)

    return lie


def _dead(*runs: Any, batch: str | None = None, stream: str = STREAM) -> Lie:
    def lie(forger: Forger) -> None:
        key = batch or _batch(forger)["key"]
        forger.dead = {"requires": [], "stream": stream, "dead": {key: list(runs)}}

    return lie


def _double_keys(document: str) -> Lie:
    def lie(forger: Forger) -> None:
        setattr(forger, f"{document}_bytes", lambda plain: b'{"requires":[],' + plain[1:])
        if document != "entry":
            return
        forger.entry_bytes = lambda plain: b'{"kind":"commit",' + plain[1:]

    return lie


def _kind(kind: str) -> Lie:
    return lambda forger: setattr(forger, "kind", kind)


def _replayed(forger: Forger) -> None:
    """Name the honest manifest of another sync in a new entry."""
    forger.manifest["sync"] = "0" * 32


def _named_twice(forger: Forger) -> None:
    forger.manifest["streams"].append(forger.stream)


def _batch_twice(forger: Forger) -> None:
    forger.state["batches"] *= 2
    forger.state["rows"] *= 2
    forger.stream["rows"] *= 2


def _overlapping(forger: Forger) -> None:
    """Let a second member be the same bytes of the pack as the first."""
    other = {**_batch(forger), "key": _batch(forger)["key"].partition("#")[0] + "#77"}
    forger.state["batches"].append(other)
    forger.state["rows"] *= 2
    forger.stream["rows"] *= 2


def _other_state(forger: Forger) -> None:
    """Let a stream's state be another stream's."""
    other = next(one for one in forger.manifest["streams"] if one["name"] != STREAM)
    forger.stream.update(state=other["state"], rows=other["rows"])
    forger.state = {}


def _without_state(forger: Forger) -> None:
    """Call a stream complete that has nothing, so that it would silently be missing."""
    forger.stream["state"] = None


def _squeeze(piece: bytes, total: int) -> tuple[bytes, int, str]:
    squeezer = Squeezer()
    for _ in range(total // len(piece)):
        squeezer.add(piece)
    body = squeezer.finish()
    return body, squeezer.plain_bytes, squeezer.plain_sha256


def _batch_bomb(piece: bytes, total: int, told: int | None = None) -> Lie:
    def lie(forger: Forger) -> None:
        body, plain_bytes, sha = _squeeze(piece, total)
        rows = piece.count(b"\n") * (total // len(piece))
        ref = forger.put_encoded("bomb.json.gz", body, plain_bytes=plain_bytes, sha=sha)
        ref |= {"rows": rows, "encoding": "copy-text-array/1", "plain_bytes": told or plain_bytes}
        forger.state["batches"] = [{**ref, "idx": ref}]
        forger.state["rows"] = forger.stream["rows"] = rows

    return lie


def _schema_bomb(forger: Forger) -> None:
    body, plain_bytes, sha = _squeeze(b" " * MEBIBYTE, HUGE)
    ref = forger.put_encoded("schema.json.gz", body, plain_bytes=plain_bytes, sha=sha)
    forger.state["schema"] = ref


def _state_bomb(forger: Forger) -> None:
    body, plain_bytes, sha = _squeeze(b" " * MEBIBYTE, HUGE)
    ref = forger.put_encoded("huge.json.gz", body, plain_bytes=plain_bytes, sha=sha)
    forger.stream["lie"] = ref


def _manifest_bomb(forger: Forger) -> None:
    body, plain_bytes, sha = _squeeze(b" " * MEBIBYTE, HUGE)
    ref = forger.put_encoded("manifest-2.gz", body, plain_bytes=plain_bytes, sha=sha)
    forger.entry["manifest"] = ref


def _extra_bomb(forger: Forger) -> None:
    body, plain_bytes, sha = _squeeze(b" " * MEBIBYTE, HUGE)
    ref = forger.put_encoded("extra-9.bin", body, plain_bytes=plain_bytes, sha=sha)
    forger.manifest["extras"] = [{"kind": "pg-archive", "ref": ref}]


def _many_values(forger: Forger) -> None:
    """Hide sixteen million empty lists in the facts: small as text, large in memory."""
    forger.manifest_bytes = lambda plain: (
        plain[:1] + b'"x":[' + b"[]," * (16 * MEBIBYTE) + b"[]]," + plain[1:]
    )


REFUSED: dict[str, Lie] = {
    **{
        f"{where} key {name}": _key(where, key)
        for where in ("batch", "state", "object", "manifest")
        for name, key in BAD_KEYS.items()
    },
    **{
        f"{where} {field} {name}": _number(where, field, value)
        for where, field in (
            ("batch", "rows"),
            ("batch", "bytes"),
            ("batch", "plain_bytes"),
            ("batch", "offset"),
            ("stream", "rows"),
            ("state", "rows"),
        )
        for name, value in BAD_NUMBERS.items()
    },
    "unknown codec": _put("batch", codec="zstd"),
    "unknown form": _put("batch", form="folded"),
    "unknown encoding": _put("state", encoding="xml/1"),
    "ref requires": _put("batch", requires=["remote/1"]),
    "state requires": _put("state", requires=["erase/1"]),
    "manifest requires": _put("manifest", requires=["erase/1"]),
    "entry requires": _put("entry", requires=["erase/1"]),
    "unknown format": _put("manifest", format=2),
    "unknown stream status": _put("stream", status="fine"),
    "unknown status": _put("manifest", status="wonderful"),
    "status differs": _put("entry", status="partial"),
    "other vault": _put("manifest", vault="a" * 26),
    "other account": _put("manifest", account="other"),
    "other source": _put("manifest", source="crm"),
    "another's entry": _put("entry", source="crm"),
    "other number": _put("entry", number=77),
    "no time": _put("entry", time="yesterday"),
    "replayed manifest": _replayed,
    "stream named twice": _named_twice,
    "batch named twice": _batch_twice,
    "another stream's state": _other_state,
    "complete without state": _without_state,
    "dead of another stream": _dead([0, 1], stream="public.b"),
    "dead in no batch": _dead([0, 1], batch="accounts/default/sources/shop/raw/x"),
    "dead out of bounds": _dead([0, 2**62]),
    "dead backwards": _dead([-5, 3]),
    "dead of nothing": _dead([0, 0]),
    "dead twice": _dead([0, 2], [1, 2]),
    "dead uncounted": _dead([0, 1]),
    "dead as text": _dead("all"),
    "double keys in a state": _double_keys("state"),
    "double keys in a manifest": _double_keys("manifest"),
    "double keys in an entry": _double_keys("entry"),
    "kind prune": _kind("prune"),
    "kind unheard of": _kind("../../x"),
}

NOTICED: dict[str, Lie] = {
    "head of the future": _put("entry", account_head={"number": 99, "digest": "sha256:00"}),
    "overlapping members": _overlapping,
}

HARMLESS: dict[str, Lie] = {
    **{f"stream named {name}": _name(value) for name, value in ODD_NAMES.items()},
    "carried from itself": lambda forger: forger.stream.update(carried_from=forger.sync),
    "carried from nowhere": lambda forger: forger.stream.update(carried_from="f" * 32),
    "path upwards": _put("stream", path="../../../../tmp/up"),
}

BOMBS: dict[str, Lie] = {
    "a batch larger than it says": _batch_bomb(b"[]\n" * 400_000, HUGE, told=1000),
    "a batch of lines": _batch_bomb(b"[]\n" * 400_000, HUGE),
    "a schema": _schema_bomb,
    "a state list": _state_bomb,
    "a manifest": _manifest_bomb,
    "an extra": _extra_bomb,
    "many values": _many_values,
}
