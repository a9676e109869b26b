from pathlib import Path

from listbackup.app import App
from listbackup.connectors import ReadOptions
from listbackup.records.fingerprints import Fingerprint
from listbackup.recovery.comparing import take_fingerprints


def take(folder: Path) -> dict[str, Fingerprint]:
    app = App({})
    reading = app.source(app.endpoint(f"tsv://{folder}"), ReadOptions()).open()
    try:
        return take_fingerprints(reading, reading.streams, 1, app.emit)
    finally:
        reading.close()


def test_every_line_is_read_and_one_changed_field_is_noticed(tmp_path: Path) -> None:
    people = tmp_path / "people.tsv"
    people.write_bytes(b"1\tAda\n2\tGrace\n")
    before = take(tmp_path)
    assert before["people"].rows == 2
    people.write_bytes(b"2\tGrace\n1\tAda\n")
    assert take(tmp_path) == before
    people.write_bytes(b"1\tAda\n2\tHopper\n")
    assert take(tmp_path) != before
