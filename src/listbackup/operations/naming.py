"""The id of a source: what `--name` says, else made from where the source is."""

import hashlib
import re

from listbackup.app import Endpoint
from listbackup.connectors import REST
from listbackup.ids import encode_base32
from listbackup.vault.layout import check_id

LONGEST = 80


def name_source(endpoint: Endpoint, wish: str | None) -> str:
    """Give the id of a source. Raises UsageError for a wish that is none."""
    if wish is not None:
        return check_id(wish, "the name of a source")
    if endpoint.connector is REST:
        return check_id(endpoint.container, "the name of a source")
    engine = endpoint.connector.engine
    if not endpoint.port and endpoint.container.startswith("/"):
        return make_file_id(engine, endpoint.container)
    return make_source_id(engine, endpoint.host, endpoint.port, endpoint.container)


def make_source_id(engine: str, host: str, port: int, container: str) -> str:
    """Make `{engine}-{host}-{port}-{database}`: lower case, other characters `_`; where anything
    was changed or cut, a hyphen and 12 base32 characters of the unescaped form's SHA-256 follow."""
    plain = f"{engine}-{host}-{port}-{container}"
    escaped = re.sub(r"[^a-z0-9_-]", "_", plain.lower())[:LONGEST]
    if escaped == plain:
        return escaped
    digest = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
    return f"{escaped}-{encode_base32(digest)[:12]}"


def make_file_id(engine: str, path: str) -> str:
    """Make `{engine}-{name of the file}`, then a hyphen and 12 base32 characters of the whole
    path's SHA-256: a path says too much, its end too little."""
    name = re.sub(r"[^a-z0-9_-]", "_", path.rpartition("/")[2].lower())
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()
    return f"{engine}-{name}"[:LONGEST] + f"-{encode_base32(digest)[:12]}"
