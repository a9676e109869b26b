"""A platform that costs next to nothing: nginx serves the pages of eight lists as files.

Records are nested and about 1.2 KB long, a hundred a page; each page names the next one.
"""

import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.measuring import CommandFailed

LISTS = 8
PAGE = 100
CONFIGURATION = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 600;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location ~ ^/v1/(?<list>[a-z0-9_]+)$ {{
      root {pages}; try_files /$list/page-$arg_page.json =404;
    }}
  }}
}}
"""


def write_pages(directory: Path, records: int) -> None:
    """Write the pages of all lists, `records` in all."""
    dice = random.Random(20261121)
    each = records // LISTS
    for number in range(1, LISTS + 1):
        place = directory / f"things_{number}"
        place.mkdir(parents=True)
        pages = -(-each // PAGE)
        for page in range(1, pages + 1):
            first = (page - 1) * PAGE
            made = [
                make_record(dice, number, first + one) for one in range(min(PAGE, each - first))
            ]
            following = name_page(number, page + 1) if page < pages else None
            name = f"page-{'' if page == 1 else name_page(number, page)}.json"
            body = json.dumps({"data": made, "next": following}, separators=(",", ":"))
            (place / name).write_text(body, "utf-8")


def name_page(number: int, page: int) -> str:
    """Make up the token of a page of a list, which tells nothing."""
    return sha256(f"{number} {page}".encode()).hexdigest()[:24]


def make_record(dice: random.Random, number: int, place: int) -> dict[str, Any]:
    """Make one record, as a platform for customers would have it."""
    letters = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=180))
    return {
        "id": f"rec_{number}_{place:08d}",
        "object": "thing",
        "created": 1_600_000_000 + place,
        "updated_at": "2026-10-11T12:13:14.567Z",
        "email": f"{letters[:12]}@{letters[12:20]}.example",
        "given_name": letters[20:27].title(),
        "family_name": letters[27:36].title(),
        "active": dice.random() < 0.8,
        "score": round(dice.uniform(0, 100), 4),
        "balance": dice.randrange(10**9),
        "currency": "eur",
        "owner": None,
        "addresses": [
            {
                "field": kind,
                "line1": f"{dice.randrange(999)} {letters[36:50]} street",
                "line2": None,
                "locality": letters[50:60].title(),
                "postal_code": f"{dice.randrange(10**5):05d}",
                "country_code": "DE",
            }
            for kind in ("BILLING", "SHIPPING")
        ],
        "phones": [
            {"field": "PHONE1", "number": f"+49 30 {dice.randrange(10**8):08d}", "type": "Work"}
        ],
        "custom_fields": [{"id": one, "content": letters[one : one + 22]} for one in range(60, 68)],
        "metadata": {"note": letters[68:150], "origin": "import", "visits": dice.randrange(500)},
        "tag_ids": [str(dice.randrange(10**6)) for _ in range(6)],
    }


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the pages are, and which process serves them."""

    url: str
    process: int


@contextmanager
def serve_pages(home: Path, pages: Path) -> Iterator[Serving]:
    """Serve them. Raises CommandFailed where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise CommandFailed("nginx is needed to serve pages (Debian: apt-get install nginx-light)")
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "nginx.conf").write_text(CONFIGURATION.format(home=home, pages=pages, port=port))
    running = subprocess.Popen(
        [program, "-p", str(home), "-e", str(home / "error.log"), "-c", str(home / "nginx.conf")]
    )
    try:
        _wait_for(port)
        yield Serving(f"http://127.0.0.1:{port}", running.pid)
    finally:
        running.terminate()
        running.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise CommandFailed("nginx did not start")
