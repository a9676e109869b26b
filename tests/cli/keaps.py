"""A Keap that is served over HTTP, and how a source of it is typed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from listbackup.clock import SystemClock
from listbackup.sandbox.platforms.keap.platform import Keap
from listbackup.sandbox.platforms.oauth import Client
from listbackup.sandbox.platforms.server import serve
from tests.operations import browser

CLIENT_SECRET = 'canary of/the+client"secret-5d1e'
REDIRECT = "http://127.0.0.1:{port}/back"


@dataclass
class Served:
    """The platform, and where it is."""

    keap: Keap
    url: str

    @property
    def place(self) -> list[str]:
        """Options that lead there."""
        return ["--base-url", f"{self.url}/crm", "--allow-private-hosts"]

    @property
    def oauth(self) -> list[str]:
        """The same with where consent is."""
        return [
            *self.place,
            *("--authorize-url", f"{self.url}/app/oauth/authorize"),
            *("--token-url", f"{self.url}/token", "--revoke-url", f"{self.url}/token/revoke"),
        ]

    def admit(self, port: int) -> str:
        """Let an application ask; gives its redirect."""
        redirect = REDIRECT.format(port=port)
        self.keap.authority.admit(Client("keap-app", CLIENT_SECRET, (redirect,)))
        return redirect


@contextmanager
def serve_keap() -> Iterator[Served]:
    """Serve a Keap with two accounts."""
    keap = Keap(SystemClock())
    for name in ("acme", "zenith"):
        keap.add_tenant(name).add("contacts", {"given_name": name, "email_addresses": []})
    with serve(keap) as serving:
        yield Served(keap, serving.url)


def browser_that(decision: str) -> str:
    """Give what BROWSER has to say for a person who decides so."""
    return f"{sys.executable} {Path(browser.__file__)} {decision} %s"
