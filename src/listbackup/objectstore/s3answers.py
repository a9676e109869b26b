"""What an answer of an S3 server means: from status and code to the error tree.

Works on numbers and words only, so that it knows neither of the two client libraries.
"""

import re

from listbackup.errors import (
    AuthError,
    ListbackupError,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreUnavailable,
)

NO_ANSWER = 0
"""In place of a status: the connection failed, broke or timed out."""

_STATUS = re.compile(r"status code: (\d{3})")
_LOST = "redirect without LOCATION"
_CODE = re.compile(r"<Code>([A-Za-z]+)</Code>")
_AMBIGUOUS_CODES = ("RequestTimeout", "SlowDown", "OperationAborted", "InternalError")
_WRONG_CREDENTIALS = (
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
)


def explain_answer(status: int, code: str, *, doing: str, subject: str) -> ListbackupError:
    """Give the error for an answer that is not a success.

    A 409 of a create is StoreUnavailable: another request was under way, and nobody knows yet
    whether the key is taken.
    """
    text = f"{doing} failed: {_describe(status, code)}"
    if status in (301, 307, 308):
        return StoreError(
            text, subject=subject, hint="The bucket is in another region: add ?region=... to it."
        )
    if code == "NoSuchBucket":
        return StoreError(
            "there is no such bucket", subject=subject, hint="Create the bucket, or mend its name."
        )
    if status == 404:
        return ObjectMissing("there is no such object", subject=subject)
    if status in (304, 412):
        return ObjectExists("an object of that name exists already", subject=subject)
    if status in (401, 403) or code in _WRONG_CREDENTIALS:
        return AuthError(
            text,
            subject=subject,
            hint="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or the profile), the rights of "
            "that key on the bucket, and this machine's clock.",
        )
    definite = 400 <= status < 500 and status not in (408, 409, 425, 429)
    if (definite and code not in _AMBIGUOUS_CODES) or status == 501:
        return StoreError(text, subject=subject)
    return StoreUnavailable(
        text, subject=subject, hint="The store did not give a clear answer: try again later."
    )


def read_status(text: str) -> tuple[int, str]:
    """Find status and code in the words of an error; NO_ANSWER and "" where there are none."""
    if _LOST in text:
        return 301, ""
    status, code = _STATUS.search(text), _CODE.search(text)
    return int(status[1]) if status else NO_ANSWER, code[1] if code else ""


def _describe(status: int, code: str) -> str:
    if status == NO_ANSWER:
        return "no answer from the store"
    return f"the store answered {status}{' ' + code if code else ''}"
