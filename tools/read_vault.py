"""Reads a vault of format 1 without listbackup: Python 3.11, the standard library, cryptography.

    read_vault.py VAULT                      verify the ledgers, list the snapshots
    read_vault.py VAULT SNAPSHOT             verify all that the snapshot needs
    read_vault.py VAULT SNAPSHOT DIRECTORY   and write its lines there, one file per stream

A sealed vault wants --key-file, --passphrase-file or --kit-file. SNAPSHOT is `latest` (the newest
complete one), a name, an id, or `all`; `SOURCE:` goes before it where several match. Ends with 0,
2 usage, 3 partial, 5 too new, 10 no vault, 12 wrong key, 13 damage. Explained in docs/format.md.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import zlib
from base64 import b32decode, b32encode, b64decode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["main"]
PLAIN = re.compile(r"(?=.{1,60}\Z)[a-z0-9_]+(\.[a-z0-9_]+)*")
ODD = re.compile(r"hold|manifest\.json(\.lbo)?|(.*\.)?(con|prn|aux|nul|(com|lpt)[1-9])(\..*)?")
KEY = re.compile(r"[a-z0-9_][a-z0-9_.-]*(/[a-z0-9_][a-z0-9_.-]*)*")
ACCOUNT_KINDS = ("open", "signer", "keys", "source-open", "probe", "heads")
SOURCE_KINDS = ("open", "commit", "prune", "label", "checkpoint")
BAD = (LookupError, TypeError, ValueError, AttributeError, RecursionError, InvalidTag, zlib.error)
WAYS = {"file": "--key-file", "passphrase": "--passphrase-file", "kit": "--kit-file"}


class Trouble(Exception):
    """What is wrong, and the exit code that says of which sort it is."""


def need(good: object, message: str, code: int = 13) -> None:
    if not good:
        raise Trouble(message, code)


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def short_id(data: bytes) -> str:
    return b32encode(hashlib.sha256(data).digest()[:16]).decode().rstrip("=").lower()


def stream_path(name: str) -> str:
    if PLAIN.fullmatch(name) and not ODD.fullmatch(name):
        return name
    slug = re.sub(r"[^a-z0-9_]", "_", name.lower())[:40]
    return f"{slug}-{short_id(name.encode('utf-8', 'surrogatepass'))[:12]}"


def parse(data: bytes, what: str) -> Any:
    value = json.loads(data)
    need(value.get("format", 1) == 1 and not value.get("requires"), f"{what} is too new", 5)
    return value


def verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    with suppress(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    return False


def stretch(secret: bytes, kdf: Any) -> bytes:
    bounded = kdf["memory_kib"] <= 2**20 and kdf["passes"] <= 10 and kdf["lanes"] <= 16
    need(kdf["name"] == "argon2id" and bounded, "a wrap asks for more than is allowed")
    cost = {"iterations": kdf["passes"], "lanes": kdf["lanes"], "memory_cost": kdf["memory_kib"]}
    return Argon2id(salt=b64decode(kdf["salt"]), length=32, **cost).derive(secret)


class Vault:
    def __init__(self, place: Path, account: str, way: str, file: Path | None) -> None:
        self.data, self.account, self.mine = place / "data", account, f"accounts/{account}/"
        self.chains, self.heads = dict[str, list[str]](), dict[str, tuple[int, str]]()
        self.signers, self.commits = list[tuple[int, bytes]](), dict[str, list[Any]]()
        self.keys, self.listed, opened = dict[str, bytes](), dict[str, str](), dict[str, str]()
        self.generation, self.key, wrapped = 1, b"", False
        need(self.data.is_dir(), f"there is no vault at {place}", 10)
        descriptor = parse(raw := self.get("vault.json"), "vault.json")
        self.root = b64decode(descriptor["root"]["public"])
        self.id = short_id(self.root)
        need(descriptor["vault"] == self.id, "vault.json is forged: its id is not its root key's")
        try:
            secret = self.read_secret(way, file.read_bytes()) if file else b""
        except (ValueError, KeyError) as error:
            raise Trouble(f"this is no {way}: {error}", 12) from error
        for fields in self.ledger("", ACCOUNT_KINDS):
            if fields["kind"] == "open":
                need(fields["descriptor"] == digest(raw), "vault.json was replaced")
            elif fields["kind"] == "keys":
                self.generation = fields["generation"]
                self.unlock(way, secret, fields["added"])
                wrapped = True
            elif fields["kind"] == "source-open":
                opened.setdefault(fields["opened"], fields["open"])
            for source, head in fields.get("heads", {}).items():
                self.heads[f"{account}/{source}"] = (head["number"], head["digest"])
        need(self.key or not secret or not wrapped, f"the {way} does not open the vault", 12)
        for source, first in sorted(opened.items()):
            live = dict[int, Any]()
            for one in self.ledger(source, SOURCE_KINDS):
                if one["kind"] == "commit":
                    live[one["number"]] = one
                    self.listed |= {key["key"]: key["sha256"] for key in [one["data_key"]] if key}
                for n in one["drop"] if one["kind"] == "prune" else ():
                    need(live.pop(n, 0) and n < max(live or [0]), f"{source} drops {n} unduly")
            self.commits[source] = [*live.values()]
            need(self.chains[f"{account}/{source}"][0] == first, f"source {source} was replaced")

    def get(self, key: str, sealed: bool = False, start: int = 0, length: int = 2**40) -> bytes:
        path = key.partition("#")[0] + ".lbo" * sealed
        need(KEY.fullmatch(path) and (self.data / path).is_file(), f"{key[:300]!a} is lost")
        return (self.data / path).read_bytes()[start : start + length]

    def read_secret(self, way: str, data: bytes) -> bytes:
        if way != "kit":
            return data.rstrip(b"\r\n") if way == "passphrase" else b64decode(data.strip())
        kit = dict(re.findall(r"(?m)^(vault id|secret):\s*(.*?)\s*$", data.decode()))
        need(kit.get("vault id") == self.id, "the kit is another vault's, or none", 12)
        for head in re.findall(r"(?m)^head: (\S+) (\d+) (\S+)$", data.decode()):
            self.heads[head[0]] = (int(head[1]), head[2])
        letters = re.sub(r"[\s-]", "", kit["secret"]).upper().translate({48: "O", 49: "L"})
        return b32decode(letters + "=" * (-len(letters) % 8))[:32]

    def ledger(self, source: str, kinds: tuple[str, ...]) -> Iterator[Any]:
        """Give the entries of a source's ledger, or (no source) the account's, each verified."""
        prefix = self.mine + (f"sources/{source}/ledger/" if source else "ledger/")
        name, account = f"{self.account}/{source}".rstrip("/"), self.chains.get(self.account, [])
        chain, floor = self.chains.setdefault(name, []), 1
        for number in range(1, 1 + len([*(self.data / prefix).glob("[0-9]*.json")])):
            key = f"{prefix}{number:012}.json"
            envelope = parse(raw := self.get(key), key)
            kind, payload = envelope["type"].encode(), b64decode(envelope["payload"])
            fields = parse(payload, key)
            there = [fields[one] for one in ("number", "vault", "account", "source", "prev")]
            bound = [number, self.id, self.account, source or None, chain[-1] if chain else None]
            need(there == bound and kind == b"listbackup/ledger/1", f"{key} breaks the chain")
            head = fields["account_head"] if source else {"number": number}
            same = not source or account[head["number"] - 1] == head["digest"]
            need(same and head["number"] >= floor, f"{key} stands beside another account ledger")
            floor, rooted = head["number"], not source and fields["kind"] in ("open", "signer")
            signers = [one for since, one in self.signers if since <= floor and not rooted]
            message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
            found = [b64decode(one["sig"]) for one in envelope["signatures"]]
            good = any(verifies(k, one, message) for k in [self.root, *signers] for one in found)
            need(good, f"{key} is not signed by a key that may")
            need(fields["kind"] in kinds, f"{key} needs a newer reader", 5)
            if fields["kind"] == "signer":
                self.signers.append((number, b64decode(fields["key"])))
            chain.append(digest(raw))
            yield fields
        number, known = self.heads.get(name, (1, (chain or [""])[0]))
        need(chain[number - 1 : number] == [known], f"ledger {name} lost or replaced its {number}")

    def unlock(self, way: str, secret: bytes, wraps: list[Any]) -> None:
        for key, known in ((one["key"], one["sha256"]) for one in wraps):
            raw, address = self.get(key), f"{self.id}/{self.account}/{key}"
            need(digest(raw) == known, f"{key} is damaged or exchanged")
            found = parse(raw, key)
            if secret and found["way"] == way:
                with suppress(Trouble):
                    kdf, sealed = found["wrap"]["kdf"], b64decode(found["wrap"]["sealed"])
                    held = secret if kdf["name"] == "none" else stretch(secret, kdf)
                    self.key = self.unseal(held, address, sealed)

    def read(self, ref: Any) -> bytes:
        key, form, codec = ref["key"], ref["form"], ref["codec"]
        known = form in ("plain", "sealed") and codec in ("none", "gzip") and "requires" not in ref
        need(known, f"{key} is stored in a newer way", 5)
        start, length = (ref["offset"], ref["length"]) if "#" in key else (0, 2**40)
        body = self.get(key, form == "sealed", start, length)
        same = [len(body), digest(body)] == [ref["bytes"], ref["sha256"]]
        need(same, f"{key} is damaged or exchanged: its stored bytes differ")
        if form == "sealed":
            need(body[56:88].hex() == ref["check"], f"{key} was sealed anew")
            body = self.unseal(self.data_key(key), f"{self.id}/{self.account}/{key}", body)
        if codec == "gzip":
            member = zlib.decompressobj(31)
            body = member.decompress(body, ref["plain_bytes"] + 1)
            need(member.eof and not member.unused_data, f"{key} is no one gzip member")
        same = [len(body), digest(body)] == [ref["plain_bytes"], ref["plain_sha256"]]
        need(same, f"{key} does not hold what was written")
        return body

    def unseal(self, secret: bytes, address: str, sealed: bytes) -> bytes:
        header, size, plain = sealed[:88], len(sealed), []
        need(header[:8] == b"LBO1\x01\x10\0\0", f"{address} is not sealed as format 1 does it")
        keys = HKDF(SHA256(), 64, header[24:56], b"lb1 object\0" + address.encode()).derive(secret)
        need(keys[32:] == header[56:], f"{address} does not open: damaged, moved or foreign")
        for number, at in enumerate(range(88, max(89, size), 65552)):
            nonce = number.to_bytes(11, "big") + bytes([at + 65552 >= size])
            plain.append(AESGCM(keys[:32]).decrypt(nonce, sealed[at : at + 65552], header))
        return b"".join(plain)

    def data_key(self, key: str) -> bytes:
        need(self.key, "the vault is sealed: give a key file, a passphrase file or a kit", 12)
        part, start = key.split("/"), f"{self.id}/{self.account}/"
        name = f"{self.mine}keys/{self.generation:03}/data/{part[3]}/{part[5]}{part[6]}.key"
        if name not in self.keys:
            sealed = self.get(name, True)
            need(digest(sealed) == self.listed.get(name), f"{name} is damaged or exchanged")
            self.keys[name] = self.unseal(self.key[16:], start + name, sealed)[16:]
        return self.keys[name]

    def lines(self, entry: Any) -> Iterator[bytes]:
        name, what = entry["name"], f"the state of {entry['name']!a}"
        state = parse(self.read(entry["state"]), what)
        alive = {one["key"]: bytearray(b"\1") * one["rows"] for one in state["batches"]}
        for dead in (parse(self.read(ref), what) for ref in state["dead"]):
            need(dead["stream"] == name, f"{what} has a dead list of another stream")
            for key, runs in dead["dead"].items():
                for first, count in runs:
                    lived = sum(alive[key][first : first + count])
                    need(first >= 0 < count == lived, f"{what}: {key} has no such lines to die")
                    alive[key][first : first + count] = bytes(count)
        rows = sum(map(sum, alive.values()))
        same = state["stream"] == name and rows == state["rows"] == entry["rows"]
        need(same and self.read(state["schema"]), f"{what} does not add up")
        for batch in state["batches"]:
            hashes, lines = self.read(batch["idx"]), self.read(batch).split(b"\n")
            size = batch["rows"] * (32 if state["key"] else 16)
            same = [lines.pop(), len(lines), len(hashes)] == [b"", batch["rows"], size]
            need(same, f"{batch['key']} has another number of lines or hashes")
            yield from (a + b"\n" for a, b in zip(lines, alive[batch["key"]], strict=True) if b)

    def restore(self, commit: Any, directory: Path | None) -> int:
        manifest, out = parse(self.read(commit["manifest"]), "a manifest"), dict[str, Any]()
        names = ("vault", "account", "source", "sync", "name", "status")
        need(all(manifest[one] == commit[one] for one in names), "a manifest is another snapshot's")
        for one in manifest["objects"]:
            same = digest(self.get(one["key"], one["form"] == "sealed")) == one["sha256"]
            need(same, f"{one['key']} is damaged or exchanged: its digest differs")
        for number, extra in enumerate(manifest["extras"], 1):
            out[f"extra-{number:03}-{stream_path(extra['kind'])}"] = [self.read(extra["ref"])]
        for entry in manifest["streams"]:
            print(f"  {entry['name']!a} {entry['rows']} {entry['status']} {entry['reason']!a}")
            if entry["state"]:
                out[f"{stream_path(entry['name'])}.ndjson"] = self.lines(entry)
        for name, lines in out.items():
            with open(directory / f"{name}.part" if directory else os.devnull, "wb") as file:
                file.writelines(lines)
            if directory:
                (directory / f"{name}.part").rename(directory / name)
        return 0 if manifest["status"] == "complete" else 3


def run(args: dict[str, Any]) -> int:
    way = next((way for way in WAYS if args[way]), "")
    vault, code = Vault(args["vault"], args["account"], way, args.get(way)), 0
    named, mark, words = args["snapshot"].rpartition(":")
    found = [(s, c) for s in vault.commits for c in vault.commits[s] if s == named or not mark]
    if words == "latest":
        found = list({s: (s, c) for s, c in found if c["status"] == "complete"}.values())
    elif words not in ("", "all"):
        found = [(s, c) for s, c in found if words in (c["name"], c["sync"][: len(words)])]
    need(words in ("", "all") or len(found) == 1, f"{len(found)} snapshots are {words!a}", 2)
    for source, commit in found:
        print(f"{source}:{commit['name']} {commit['sync']} {commit['status']}")
        code = max(code, vault.restore(commit, args["directory"]) if words else 0)
    return code


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("vault", type=Path)
    parser.add_argument("snapshot", nargs="?", default="")
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--account", default="default")
    for way, option in WAYS.items():
        parser.add_argument(option, dest=way, type=Path)
    try:
        return run(vars(parser.parse_args()))
    except Trouble as trouble:
        message, code = trouble.args
    except OSError as error:
        message, code = str(error), 2
    except BAD as error:
        message, code = f"a stored document is damaged: {error!r}", 13
    print(f"read_vault: {message}", file=sys.stderr)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
