"""How an error is told: what happened, to what, what is at risk, what to do next."""

import json
import sys
import tempfile
import traceback
from collections.abc import Mapping

from listbackup.cli.words import printable
from listbackup.errors import FailedError, ListbackupError, exit_code
from listbackup.log import redactor_for


class Failures:
    """Tells errors on standard error, as text or as one JSON object, without secrets."""

    def __init__(self, environment: Mapping[str, str], *, as_json: bool) -> None:
        self._redactor = redactor_for(environment)
        self._debugging = environment.get("LISTBACKUP_DEBUG") == "1"
        self._as_json = as_json

    def report(self, error: ListbackupError) -> int:
        """Tell an error and give its exit code."""
        code = exit_code(error.category)
        clean = self._redactor.clean
        told = {
            "message_type": "error",
            "category": error.category.value,
            "exit_code": code,
            "message": clean(error.message),
            "subject": clean(error.subject) if error.subject else None,
            "risk": clean(error.risk),
            "hint": clean(error.hint),
        }
        if self._as_json:
            sys.stderr.write(json.dumps(told, ensure_ascii=False) + "\n")
            return code
        lines = [f"listbackup: {told['message']}"]
        lines += [f"  about: {told['subject']}"] if told["subject"] else []
        lines += [f"  risk:  {told['risk']}", f"  next:  {told['hint']}"]
        sys.stderr.write("\n".join(printable(line) for line in lines) + "\n")
        return code

    def report_unforeseen(self, error: Exception) -> int:
        """Tell an error that nobody foresaw; with LISTBACKUP_DEBUG=1 its traceback goes to a
        file."""
        hint = "Run it again with LISTBACKUP_DEBUG=1 to write a report, and send that to us."
        if self._debugging:
            hint = f"The report is in {self._write_report(error)}."
        said = " ".join(str(error).split())[:300]
        return self.report(
            FailedError(
                f"This was not foreseen: {type(error).__name__}: {said}",
                risk="What was acknowledged before is not affected; this run is not acknowledged.",
                hint=hint,
            )
        )

    def _write_report(self, error: Exception) -> str:
        text = self._redactor.clean("".join(traceback.format_exception(error)))
        with tempfile.NamedTemporaryFile(
            "w", prefix="listbackup-report-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        return file.name
