"""Every secret of a vault's life is looked for in everything that is stored, told or shown.

Keys of every kind, passphrases, the kit's secret and a password in an address: as they are, in
hex, base32, base64 and its alignments, escaped for URLs and JSON; in files, in the payloads and
documents within them, in events, errors, tracebacks and representations. Each may lie in the one
file that is its home.
"""

import base64
import json
import socket
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from listbackup.app import App, Reach
from listbackup.connectors import ReadOptions
from listbackup.crypto.signing import SigningKey
from listbackup.errors import ListbackupError
from listbackup.events import Event
from listbackup.operations.checks import check_vault
from listbackup.operations.doctor import diagnose
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.keys import add_key, enrol, list_keys, show_kit, verify_kit
from listbackup.sync.engine import SyncOptions, run_sync
from listbackup.testing.hosts import play_host
from listbackup.testing.readings import ListedSource
from listbackup.testing.vaults import make_rows
from listbackup.vault.holding import Holding
from listbackup.vault.kit import read_kit
from listbackup.vault.opening import Vault
from listbackup.vault.reading import open_snapshot

PHRASE = "canary: a long walk by the sea/91%"
SECOND_PHRASE = "canary: the second phrase, 44ad"
PASSWORD = "canary@dsn:7f3a/&x"
RECORD = "canary of a record 55e1"
PREFIX = 12
"""A secret that is text is looked for by its beginning too."""


def forms(secret: bytes) -> Iterator[bytes]:
    """Give every form in which a secret might lie somewhere."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    letters = base64.b32encode(secret)[: len(secret) * 8 // 5]
    yield letters
    yield letters.lower()
    yield b"-".join(letters[at : at + 6] for at in range(0, len(letters) - 5, 6)).lower()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            whole = encode(b"\0" * shift + secret)
            yield whole[(0, 2, 3)[shift] : len(whole) - (4 if whole.endswith(b"=") else 0)]
    if not all(32 <= one < 127 for one in secret):
        return
    text = secret.decode()
    yield quote(text, safe="").encode()
    yield quote(text).encode()
    yield json.dumps(text)[1:-1].encode()
    yield secret[:PREFIX]


@dataclass
class Life:
    """What happened in one vault's life, in every form in which somebody could see it."""

    root: Path
    told: list[str] = field(default_factory=list)

    def app(self, name: str = "home", **environment: str) -> App:
        """Give a machine."""
        directories = {
            "HOME": str(self.root / name),
            "LISTBACKUP_CONFIG_DIR": str(self.root / name / "config"),
            "LISTBACKUP_STATE_DIR": str(self.root / name / "state"),
        }
        app = App(directories | environment, self.hear, play_host(7))
        self.told.append(repr(app))
        return app

    def reach(self, **holding: Path | str) -> Reach:
        """Reach the vault with what is named."""
        held = Holding(**holding)  # type: ignore[arg-type]
        reach = Reach(str(self.root / "vault"), holding=held, volatile=True)
        self.told.append(repr(reach))
        return reach

    def hear(self, event: Event) -> None:
        """Listen."""
        self.told.append(repr(event))

    def do(self, action: Callable[[], object]) -> None:
        """Do something, and keep what it gave or raised."""
        try:
            self.told.append(repr(action()))
        except ListbackupError as error:
            said = (error.message, error.subject, error.risk, error.hint, repr(error))
            self.told += [str(one) for one in said]
            self.told += traceback.format_exception(error)

    def file(self, name: str, text: str) -> Path:
        """Write a file of what a person holds, beside everything."""
        path = self.root / "held" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path


def live(life: Life) -> dict[str, tuple[bytes, set[str]]]:
    """Play a life; give each secret with the files that may hold it."""
    phrase, second = life.file("phrase", PHRASE + "\n"), life.file("second", SECOND_PHRASE + "\n")
    key_file = life.root / "held" / "new.key"
    home, with_phrase = life.app(), life.reach(passphrase_file=phrase)
    life.do(lambda: initialise(home, with_phrase, InitWishes()))
    for _ in range(2):
        life.do(lambda: back_up(home, with_phrase))
    life.do(lambda: add_key(home, with_phrase, Holding(key_file=key_file)))
    life.do(lambda: add_key(home, with_phrase, Holding(passphrase_file=second)))
    kit_path = next((life.root / "home/config").glob("kit-*.txt"))
    with_kit = life.reach(kit_file=kit_path)
    for read in (check_vault, diagnose, list_keys, show_kit, verify_kit):
        life.do(lambda read=read: read(home, with_kit))  # type: ignore[misc]
    other = life.app("other", LISTBACKUP_PASSPHRASE=SECOND_PHRASE)
    life.do(lambda: enrol(other, with_kit))
    life.do(lambda: back_up(other, life.reach()))
    make_mistakes(life, home, kit_path)
    return find_secrets(life, home.vault(with_kit), kit_path, key_file)


def back_up(app: App, reach: Reach) -> object:
    """Back up, restore, check."""
    vault = app.vault(reach)
    rows = {"public.a": [*make_rows(30), ["x", RECORD, None]]}
    result = run_sync(ListedSource(rows), vault, "shop", SyncOptions())
    snapshot = open_snapshot(vault, result.commit, "shop")
    assert RECORD.encode() in b"".join(snapshot.streams["public.a"].chunks())
    return result, vault, vault.keyring.account_key(), vault.access, reach, app.named(reach)


def make_mistakes(life: Life, app: App, kit_path: Path) -> None:
    """Hold the wrong secrets, and name a database that is not there."""
    wrong = life.file("wrong", "x" + PHRASE)
    life.do(lambda: back_up(app, life.reach(passphrase_file=wrong)))
    life.do(lambda: back_up(app, life.reach(key_file=wrong)))
    mistyped = life.file("kit.txt", kit_path.read_text().replace("secret: ", "secret: aa"))
    life.do(lambda: verify_kit(app, life.reach(kit_file=mistyped)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for query in ("", "?sslmode=nonsense", f"?sslpassword={quote(PASSWORD, safe='')}&nonsense=1"):
        url = f"postgresql://u:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/db{query}"
        life.do(lambda url=url: read_source(app, url))  # type: ignore[misc]


def read_source(app: App, url: str) -> object:
    """Open a source by its address."""
    endpoint = app.endpoint(url)
    return endpoint, endpoint.shown, app.source(endpoint, ReadOptions()).open()


def find_secrets(
    life: Life, vault: Vault, kit_path: Path, key_file: Path
) -> dict[str, tuple[bytes, set[str]]]:
    """Give every secret there is by now, with the files that are its home."""
    kit = read_kit(kit_path.read_text())
    month = life.app().host.clock.now().strftime("%Y%m")
    found: dict[str, tuple[bytes, set[str]]] = {
        "passphrase": (PHRASE.encode(), {"held/phrase", "held/wrong"}),
        "second passphrase": (SECOND_PHRASE.encode(), {"held/second"}),
        "password of an address": (PASSWORD.encode(), set()),
        "record": (RECORD.encode(), set()),
        "key file": (base64.b64decode(key_file.read_bytes()), {"held/new.key"}),
        "kit": (kit.secret, {str(kit_path.relative_to(life.root)), "held/kit.txt"}),
        "root key": (vault.descriptor.open_root(kit.secret).seed, set()),
        "account key": (vault.keyring.account_key().secret, set()),
        "data key": (vault.keyring.open("shop", month).key.secret, set()),
    }
    for path in life.root.glob("*/state/*/signer.key"):
        name = str(path.relative_to(life.root))
        found[name] = (SigningKey(base64.b64decode(path.read_bytes())).seed, {name})
    return found


def spread(data: bytes) -> Iterator[bytes]:
    """Give a file's bytes, and the payload within them where there is one."""
    yield data
    try:
        yield base64.b64decode(json.loads(data)["payload"])
    except (ValueError, KeyError, TypeError):
        return


def test_no_secret_lies_or_is_told_anywhere_but_at_home(tmp_path: Path) -> None:
    life = Life(tmp_path)
    secrets = live(life)
    assert len(secrets) >= 11
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    told = [line.encode(errors="surrogatepass") for line in life.told]
    places: dict[str, list[bytes]] = {
        str(path.relative_to(tmp_path)): [*spread(path.read_bytes())] for path in files
    } | {"what was told": told}
    leaks = set()
    for name, (secret, homes) in secrets.items():
        wanted = set(forms(secret))
        for place, texts in places.items():
            if place not in homes and any(form in text for text in texts for form in wanted):
                leaks.add((name, place))
        for home in homes:
            assert any(form in text for text in places[home] for form in wanted), (name, home)
    assert leaks == set()
    print(f"secrets {len(secrets)}, files {len(files)}, told {len(told)}: none where it may not be")


@pytest.mark.parametrize("shift", range(3))
def test_the_search_sees_a_secret_within_base64(shift: int) -> None:
    secret = bytes(range(200, 232))
    hidden = base64.b64encode(b"x" * (shift + 3) + secret + b"yz")
    assert any(form in hidden for form in forms(secret))
