import json
from pathlib import Path

import pytest
from jsonschema import validate

import listbackup.cli
from listbackup.cli.main import run

SCHEMAS = Path(listbackup.cli.__file__).parent / "schemas"


def test_objects_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one").write_bytes(b"12345")
    assert run(["count", str(tmp_path), "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["objects"], counted["bytes"]) == (1, 5)
    validate(counted, json.loads((SCHEMAS / "counted.json").read_text()))
