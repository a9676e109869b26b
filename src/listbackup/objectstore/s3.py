"""A store in a bucket of S3 or a compatible server, below a prefix.

Bytes go through obstore, in one request each; what obstore cannot do (versions, locks, tags read
back, the server's time) through boto3. Neither library retries: a wrapper decides that, because
only it knows which answers are ambiguous. Knows nothing of what the objects mean.
"""

import base64
import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import boto3
import botocore.exceptions
import obstore.exceptions
from botocore.config import Config

from listbackup.clock import Clock
from listbackup.errors import (
    AuthError,
    ListbackupError,
    ObjectMissing,
    RefusedError,
    StoreError,
    UsageError,
)
from listbackup.host import Host
from listbackup.objectstore import Features, ObjectInfo, ObjectStore, Tag
from listbackup.objectstore.names import check_key, check_prefix, check_range
from listbackup.objectstore.opening import StoreUrl
from listbackup.objectstore.s3answers import NO_ANSWER, explain_answer, read_status
from listbackup.objectstore.s3bucket import CONNECT_SECONDS, STALLED_SECONDS, is_aws, open_bucket

LIST_PAGE = 1000

_CREDENTIALS_LAST = timedelta(minutes=5)


def open_s3(url: StoreUrl, host: Host, *, volatile: bool) -> ObjectStore:
    """Open `s3://bucket/prefix?endpoint=...&region=...&tags=no&lock=governance`.

    Credentials come from the environment, the profile or the machine's role. Raises UsageError
    and AuthError.
    """
    url.check_options("endpoint", "region", "tags", "lock")
    lock = url.options.get("lock", "compliance").upper()
    endpoint = url.options.get("endpoint")
    if not url.place or lock not in ("COMPLIANCE", "GOVERNANCE"):
        raise UsageError(
            "an S3 address names a bucket; `lock` is compliance or governance",
            subject=url.text,
            hint="For example: s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-west-1",
        )
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise UsageError(
            "an endpoint begins with https:// (or http://)", subject=url.text, hint="Write it so."
        )
    return S3Store(
        url.place,
        url.path.strip("/"),
        host.clock,
        endpoint=endpoint,
        region=url.options.get("region"),
        tags=url.options.get("tags", "yes") != "no",
        lock_mode=lock,
    )


class S3Store:
    """Objects in one bucket, below one prefix."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        clock: Clock,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        tags: bool = True,
        lock_mode: str = "COMPLIANCE",
        list_page: int = LIST_PAGE,
        stalled_seconds: float = STALLED_SECONDS,
        session: boto3.session.Session | None = None,
    ) -> None:
        """Make the clients; nothing is asked yet. Raises AuthError without credentials."""
        if prefix:
            check_key(prefix)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._clock = clock
        self._tags = tags
        self._lock_mode = lock_mode
        self._list_page = list_page
        self._features: Features | None = None
        self._features_lock = threading.Lock()
        session = session or boto3.session.Session()
        self._region = region or session.region_name or "us-east-1"
        self._credentials = self._find_credentials(session)
        self._client = session.client(
            "s3",
            endpoint_url=endpoint,
            region_name=self._region,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=stalled_seconds,
                max_pool_connections=32,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._objects = open_bucket(
            bucket,
            endpoint=str(self._client.meta.endpoint_url),
            region=self._region,
            stalled_seconds=stalled_seconds,
            give_credentials=self._give_credentials,
        )

    @property
    def url(self) -> str:
        """The address: bucket, prefix and, where it is not AWS, the endpoint."""
        place = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        endpoint = str(self._client.meta.endpoint_url)
        return place if is_aws(endpoint) else f"{place}?endpoint={quote(endpoint, safe=':/')}"

    @property
    def features(self) -> Features:
        """What the bucket says it can do (asked once); `vault probe` finds out what is true."""
        with self._features_lock:
            if self._features is None:
                self._features = Features(
                    create_exclusive=True,
                    tags=self._tags,
                    versions=self._setting("get_bucket_versioning", "Status") == "Enabled",
                    object_lock=self._setting(
                        "get_object_lock_configuration",
                        "ObjectLockConfiguration",
                        "ObjectLockEnabled",
                    )
                    == "Enabled",
                    checksums=True,
                )
            return self._features

    def put(
        self,
        key: str,
        body: bytes | memoryview,
        *,
        tag: Tag,
        replace: bool = False,
        retain_until: datetime | None = None,
    ) -> None:
        """Store bytes under a key in one request, visible at once."""
        check_key(key)
        if retain_until is not None:
            self._put_locked(key, bytes(body), tag, replace, retain_until)
            return
        try:
            self._objects.put(
                self._prefix + key,
                body,
                mode="overwrite" if replace else "create",
                use_multipart=False,
                tags={"lb": tag} if self._tags else None,
            )
        except (obstore.exceptions.BaseError, OSError) as error:
            raise self._explain_put(error, key) from error

    def put_claiming(self, key: str, body: bytes, *, tag: Tag, sha256: bytes) -> None:
        """Store bytes only if they have the SHA-256 that the caller claims. Raises StoreError."""
        self._put_with_boto(key, body, tag, sha256)

    def get(
        self, key: str, *, start: int = 0, length: int | None = None, version: str | None = None
    ) -> bytes:
        """Read an object, a range of it, or an older version. Raises ObjectMissing."""
        check_range(start, length)
        if version is not None:
            self._need_versions()
        if length == 0:
            self._head(key, version)
            return b""
        check_key(key)
        options: dict[str, Any] = {} if version is None else {"version": version}
        if length is not None:
            options["range"] = (start, start + length)
        elif start:
            options["range"] = {"offset": start}
        try:
            return bytes(self._objects.get(self._prefix + key, options=options).bytes())  # type: ignore[arg-type]
        except (obstore.exceptions.BaseError, OSError) as error:
            status, _ = read_status(str(error))
            if status == 416:
                return b""
            raise self._explain(error, f"reading {key}", key) from error

    def head(self, key: str) -> ObjectInfo:
        """Look at an object. Raises ObjectMissing. The tag is read by `read_tag` only."""
        return self._head(key, None)

    def read_tag(self, key: str) -> str | None:
        """Give the tag that an object was put with, or None. Raises ObjectMissing."""
        check_key(key)
        answer = self._ask("get_object_tagging", key, Key=self._prefix + key)
        return next((str(tag["Value"]) for tag in answer["TagSet"] if tag["Key"] == "lb"), None)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Name every object whose key starts with `prefix`, in key order."""
        check_prefix(prefix)
        more: dict[str, str] = {}
        while True:
            page = self._ask(
                "list_objects_v2",
                prefix,
                Prefix=self._prefix + prefix,
                MaxKeys=self._list_page,
                **more,
            )
            for found in page.get("Contents", ()):
                key = str(found["Key"])[len(self._prefix) :]
                yield ObjectInfo(key, int(found["Size"]), found["LastModified"].astimezone(UTC))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove an object (in a versioned bucket: hide it), or one version. Absent is fine."""
        check_key(key)
        more = {}
        if version is not None:
            self._need_versions()
            more = {"VersionId": version}
        try:
            self._ask("delete_object", key, Key=self._prefix + key, **more)
        except ObjectMissing:
            return

    def barrier(self) -> None:
        """Nothing to do: a put that was answered is durable and visible."""

    def now(self) -> datetime:
        """Give the server's time, by the Date of an answer."""
        try:
            answer = self._client.head_bucket(Bucket=self._bucket)
        except botocore.exceptions.ClientError as error:
            answer = error.response
        except botocore.exceptions.BotoCoreError as error:
            raise self._explain(error, "asking for the time", self.url) from error
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            raise StoreError("the server does not tell its time", subject=self.url)
        return parsedate_to_datetime(date).astimezone(UTC)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _find_credentials(self, session: Any) -> Any:
        credentials = session.get_credentials()
        if credentials is None:
            raise AuthError(
                "no credentials for S3 were found",
                subject=f"s3://{self._bucket}/{self._prefix}",
                hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
            )
        return credentials

    def _give_credentials(self) -> Any:
        frozen = self._credentials.get_frozen_credentials()
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": self._clock.now() + _CREDENTIALS_LAST,
        }

    def _put_locked(self, key: str, body: bytes, tag: Tag, replace: bool, until: datetime) -> None:
        if not self.features.object_lock:
            raise RefusedError(
                "the bucket has no object lock, so nothing can be retained in it",
                subject=self.url,
                hint="Use a bucket made with object lock, or go on without retention.",
            )
        more = {} if replace else {"IfNoneMatch": "*"}
        self._put_with_boto(
            key,
            body,
            tag,
            hashlib.sha256(body).digest(),
            ObjectLockMode=self._lock_mode,
            ObjectLockRetainUntilDate=until,
            **more,
        )

    def _put_with_boto(self, key: str, body: bytes, tag: Tag, sha256: bytes, **more: Any) -> None:
        check_key(key)
        if self._tags:
            more["Tagging"] = f"lb={tag}"
        checksum = base64.b64encode(sha256).decode("ascii")
        self._ask(
            "put_object",
            key,
            Key=self._prefix + key,
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
            **more,
        )

    def _head(self, key: str, version: str | None) -> ObjectInfo:
        check_key(key)
        more = {} if version is None else {"VersionId": version}
        found = self._ask("head_object", key, Key=self._prefix + key, **more)
        if "LastModified" not in found:
            raise StoreError("the store's answer has no time of the object", subject=key)
        until = found.get("ObjectLockRetainUntilDate")
        return ObjectInfo(
            key,
            int(found["ContentLength"]),
            found["LastModified"].astimezone(UTC),
            found.get("VersionId"),
            None,
            until.astimezone(UTC) if until else None,
        )

    def _need_versions(self) -> None:
        if not self.features.versions:
            raise RefusedError(
                "the bucket keeps no versions",
                subject=self.url,
                hint="Switch versioning on for the bucket to have older versions from then on.",
            )

    def _setting(self, operation: str, *path: str) -> str:
        try:
            found: Any = self._ask(operation, self.url)
        except (ObjectMissing, AuthError, StoreError) as error:
            if error.retryable:
                raise
            return ""
        for step in path:
            found = found.get(step, {})
        return found if isinstance(found, str) else ""

    def _ask(self, operation: str, subject: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(Bucket=self._bucket, **arguments)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise self._explain(error, operation.replace("_", " "), subject) from error
        except RecursionError as error:  # a redirect that leads to itself is followed without end
            raise explain_answer(301, "", doing=operation, subject=subject) from error

    def _explain(self, error: Exception, doing: str, subject: str) -> ListbackupError:
        status, code = NO_ANSWER, ""
        if isinstance(error, botocore.exceptions.ClientError):
            answer = error.response
            status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", NO_ANSWER))
            code = str(answer.get("Error", {}).get("Code", ""))
        elif isinstance(error, botocore.exceptions.NoCredentialsError):
            status = 401
        elif not isinstance(error, botocore.exceptions.BotoCoreError):
            status, code = read_status(str(error))
        return explain_answer(status, code, doing=doing, subject=subject)

    def _explain_put(self, error: Exception, key: str) -> ListbackupError:
        status, code = read_status(str(error))
        if isinstance(error, obstore.exceptions.AlreadyExistsError) and status != 412:
            # obstore says "exists" for 409 too, which only says that another put is under way.
            try:
                self.head(key)
            except ObjectMissing:
                status = 409
            else:
                status = 412
        return explain_answer(status, code, doing=f"writing {key}", subject=key)
