import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias, cast

import boto3
import pytest

from listbackup.clock import SystemClock
from listbackup.errors import (
    AuthError,
    ListbackupError,
    ObjectExists,
    ObjectMissing,
    RefusedError,
    StoreError,
    StoreUnavailable,
    UsageError,
)
from listbackup.host import Host
from listbackup.objectstore.opening import open_store
from listbackup.objectstore.s3 import S3Store
from listbackup.testing.stores import OpenClient, StoreContract, keys_of, put

from .conftest import MakeBucket, Opener, Script

Session: TypeAlias = boto3.session.Session
OpenS3 = Callable[..., S3Store]


@pytest.fixture
def open_s3(closing: Opener, s3_endpoint: str, s3_session: Session) -> Callable[..., S3Store]:
    def open_one(
        bucket: str, prefix: str = "", endpoint: str = s3_endpoint, **more: Any
    ) -> S3Store:
        make = partial(
            S3Store, bucket, prefix, SystemClock(), endpoint=endpoint, session=s3_session, **more
        )
        return cast(S3Store, closing(make)())

    return open_one


@pytest.fixture
def server(s3_endpoint: str, s3_session: Session) -> Iterator[Any]:
    client = s3_session.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
    yield client
    client.close()


class TestBucket(StoreContract):
    @pytest.fixture
    def open_client(self, open_s3: OpenS3, make_bucket: MakeBucket) -> OpenClient:
        return partial(open_s3, make_bucket())


class TestPrefixInAVersionedBucketListedInSmallPages(StoreContract):
    @pytest.fixture
    def open_client(self, open_s3: OpenS3, make_bucket: MakeBucket, server: Any) -> OpenClient:
        bucket = make_bucket(versioned=True)
        for neighbour in ("some/prefi", "some/prefix", "some/prefix-2/x", "some/prefiy/x"):
            server.put_object(Bucket=bucket, Key=neighbour, Body=b"a neighbour's")
        return partial(open_s3, bucket, "some/prefix", list_page=3)


class TestLockingBucket(StoreContract):
    @pytest.fixture
    def open_client(self, open_s3: OpenS3, make_bucket: MakeBucket) -> OpenClient:
        return partial(open_s3, make_bucket(locking=True), "p")


def test_a_bucket_is_opened_by_its_address(
    closing: Opener, make_bucket: MakeBucket, s3_endpoint: str, open_s3: OpenS3
) -> None:
    bucket = make_bucket()
    url = f"s3://{bucket}/some/prefix/?endpoint={s3_endpoint}&region=us-east-1"
    put(closing(lambda: open_store(url, Host()))(), "a/b", b"1")
    assert open_s3(bucket, "some").get("prefix/a/b") == b"1"


def test_a_put_is_one_create_with_its_tag_and_the_sha256_of_its_bytes(
    script: Script, open_s3: OpenS3
) -> None:
    store = open_s3("bucket", "p", endpoint=script.endpoint)
    store.put("a/b", b"12345", tag="meta")
    store.put("a/c", b"12345", tag="data", replace=True)
    (method, path, created, body), (_, _, replaced, _) = script.asked
    assert (method, path, body) == ("PUT", "/bucket/p/a/b", b"12345")
    assert created["x-amz-checksum-sha256"] == "WZRHGrsBESr8wYFZ9sx0tPURuZgG2lmzyvWpwXPKz8U="
    assert (created["if-none-match"], created["x-amz-tagging"]) == ("*", "lb=meta")
    assert "if-none-match" not in replaced


def test_a_server_without_tags_is_sent_none(
    script: Script, s3_credentials: None, closing: Opener
) -> None:
    store = closing(lambda: open_store(f"s3://bucket?endpoint={script.endpoint}&tags=no", Host()))()
    store.put("a", b"1", tag="meta")
    assert "x-amz-tagging" not in script.asked[0][2]


@pytest.mark.parametrize(
    ("answers", "code", "error"),
    [
        ([500], "InternalError", StoreUnavailable),
        ([503], "SlowDown", StoreUnavailable),
        ([429], "TooManyRequests", StoreUnavailable),
        (["drop"], "", StoreUnavailable),
        ([400], "RequestTimeout", StoreUnavailable),
        ([409, 404], "ConditionalRequestConflict", StoreUnavailable),
        ([409, 200], "ConditionalRequestConflict", ObjectExists),
        ([412], "PreconditionFailed", ObjectExists),
        ([403], "AccessDenied", AuthError),
        ([400], "InvalidRequest", StoreError),
        ([501], "NotImplemented", StoreError),
        ([301], "PermanentRedirect", StoreError),
        ([404], "NoSuchBucket", StoreError),
    ],
)
@pytest.mark.parametrize("retained", [False, True])
def test_every_answer_to_a_put_has_its_meaning(
    answers: list[int | str],
    code: str,
    error: type[ListbackupError],
    retained: bool,
    script: Script,
    open_s3: OpenS3,
) -> None:
    store = open_s3("bucket", endpoint=script.endpoint)
    script.answers, script.code = list(answers), code
    if retained and answers[0] == 409:  # this way of putting tells a conflict at once
        error = StoreUnavailable
    with pytest.raises(error) as caught:
        if retained:
            store.put_claiming("k", b"1", tag="data", sha256=hashlib.sha256(b"1").digest())
        else:
            store.put("k", b"1", tag="data")
    assert type(caught.value) is error
    assert "canary" not in f"{caught.value.message}{caught.value.subject}{caught.value.hint}"
    assert len([ask for ask in script.asked if ask[0] == "PUT"]) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [(500, StoreUnavailable), ("drop", StoreUnavailable), (404, ObjectMissing), (403, AuthError)],
)
def test_every_answer_to_a_question_has_its_meaning(
    answer: int | str, error: type[ListbackupError], script: Script, open_s3: OpenS3
) -> None:
    store = open_s3("bucket", endpoint=script.endpoint)
    script.answers = [answer]
    for ask in (
        lambda: store.get("k"),
        lambda: store.get("k", start=3, length=2),
        lambda: store.head("k"),
        lambda: keys_of(store),
        lambda: store.read_tag("k"),
    ):
        with pytest.raises(error):
            ask()


def test_a_retained_put_is_create_exclusive_too_and_has_tag_and_checksum(
    make_bucket: MakeBucket, open_s3: OpenS3, server: Any
) -> None:
    bucket = make_bucket(locking=True)
    store = open_s3(bucket)
    until = store.now().replace(microsecond=0) + timedelta(days=2)
    store.put("k", b"12345", tag="data", retain_until=until)
    with pytest.raises(StoreError, match="exists already"):
        store.put("k", b"other", tag="data", retain_until=until)
    stored = server.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert stored["ObjectLockMode"] == "COMPLIANCE"
    assert stored["ObjectLockRetainUntilDate"] == until
    assert stored["ChecksumSHA256"] == "WZRHGrsBESr8wYFZ9sx0tPURuZgG2lmzyvWpwXPKz8U="
    assert store.read_tag("k") == "data"
    assert store.get("k") == b"12345"


def test_a_put_larger_than_a_part_is_one_request(
    make_bucket: MakeBucket, open_s3: OpenS3, server: Any
) -> None:
    bucket = make_bucket()
    store = open_s3(bucket)
    body = bytes(9 << 20)
    put(store, "big", body)
    assert store.get("big") == body
    assert "-" not in server.head_object(Bucket=bucket, Key="big")["ETag"]


def test_a_delete_hides_and_an_exclusive_put_goes_on_top_in_a_versioned_bucket(
    make_bucket: MakeBucket, open_s3: OpenS3
) -> None:
    store = open_s3(make_bucket(versioned=True))
    put(store, "k", b"first")
    old = store.head("k").version
    store.delete("k")
    assert keys_of(store) == []
    assert store.get("k", version=old) == b"first"
    put(store, "k", b"second")
    assert store.get("k") == b"second"


def test_a_bucket_that_does_not_exist_is_said_to_be_missing(open_s3: OpenS3) -> None:
    store = open_s3("no-such-bucket")
    for action in (lambda: put(store, "k", b"1"), lambda: store.get("k"), lambda: keys_of(store)):
        with pytest.raises(StoreError, match="no such bucket") as caught:
            action()
        assert not caught.value.retryable


def test_a_server_that_is_not_there_gives_no_clear_answer(open_s3: OpenS3) -> None:
    store = open_s3("bucket", endpoint="http://127.0.0.1:9")
    for action in (
        lambda: put(store, "k", b"1"),
        lambda: store.get("k"),
        lambda: store.head("k"),
        lambda: keys_of(store),
        store.now,
        lambda: store.features,
    ):
        with pytest.raises(StoreUnavailable):
            action()


def test_nothing_is_retained_in_a_bucket_without_lock(
    make_bucket: MakeBucket, open_s3: OpenS3
) -> None:
    store = open_s3(make_bucket())
    with pytest.raises(RefusedError):
        store.put("k", b"1", tag="data", retain_until=store.now() + timedelta(days=1))
    assert keys_of(store) == []


def test_without_credentials_it_says_which_to_set(
    monkeypatch: pytest.MonkeyPatch, s3_credentials: None
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(AuthError) as caught:
        open_store("s3://bucket/x", Host())
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///x", "s3://b/x?endpoint=minio:9000", "s3://b?lock=some", "s3://b?x=1"]
)
def test_an_address_of_s3_that_means_nothing_is_refused(url: str, s3_credentials: None) -> None:
    with pytest.raises(UsageError):
        open_store(url, Host())


def test_the_address_shows_bucket_prefix_and_foreign_endpoint(s3_credentials: None) -> None:
    aws = open_store("s3://bucket/a/b/?region=eu-west-1", Host())
    other = open_store("s3://bucket?endpoint=https://s3.example.com&region=eu-west-1", Host())
    assert aws.url == "s3://bucket/a/b"
    assert other.url == "s3://bucket?endpoint=https://s3.example.com"
    aws.close()
    other.close()
