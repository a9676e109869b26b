"""Backs up many small sources of one platform in this process, sixteen at a time, into a vault as
`init` makes it, sealed: URL DIRECTORY COUNT. Fails unless all are complete."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from listbackup.app import App, Reach
from listbackup.config.stanzas import stanza_path, write_stanza
from listbackup.operations.backups import Manner
from listbackup.operations.initialising import InitWishes, initialise
from listbackup.operations.rounds import RoundWishes, back_up_all

PLATFORM = Path(__file__).resolve().parent / "things.yaml"
AT_ONCE = 16


def main() -> None:
    """Write them all down, and back them up once."""
    url, directory, count = sys.argv[1:]
    home = Path(directory)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LISTBACKUP_")},
        "LISTBACKUP_CONFIG_DIR": str(home / "config"),
        "LISTBACKUP_STATE_DIR": str(home / "state"),
        "LISTBACKUP_VAULT": str(home / "vault"),
    }
    app, reach = App(environment), Reach(volatile=True)
    initialise(app, reach, InitWishes())
    for number in range(int(count)):
        name = f"tenant-{number}"
        stanza: dict[str, str | bool | Mapping[str, str]] = {
            "connector": str(PLATFORM),
            "base_url": url,
            "allow_private_hosts": True,
        }
        path = stanza_path(app.directories.config, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_stanza(name, stanza))
    done = back_up_all(app, reach, RoundWishes(parallel=AT_ONCE, manner=Manner(view=False)))
    bad = [one for one in done.sources if one.exit_code]
    if bad or len(done.sources) != int(count):
        raise SystemExit(f"{len(bad)} of {len(done.sources)}: {bad[:3]}")


if __name__ == "__main__":
    main()
