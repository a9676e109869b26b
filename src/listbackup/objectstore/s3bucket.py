"""The way of the bytes into and out of a bucket: one obstore client, set up to hide nothing.

No retries, no multipart, a SHA-256 with every put, limits on how long nothing may happen.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore.store import S3Store as Bucket

CONNECT_SECONDS = 10
STALLED_SECONDS = 60
"""A connection on which nothing moves for so long is given up."""

WHOLE_REQUEST_SECONDS = 900


def open_bucket(
    bucket: str,
    *,
    endpoint: str,
    region: str,
    stalled_seconds: float,
    give_credentials: Callable[[], Any],
) -> Bucket:
    """Make the client of one bucket. Nothing of it is taken from the environment but proxies."""
    by_host = is_aws(endpoint) and "." not in bucket
    if by_host:
        endpoint = endpoint.replace("://", f"://{bucket}.", 1)
    return Bucket(
        bucket,
        config={
            "endpoint": endpoint,
            "region": region,
            "virtual_hosted_style_request": by_host,
            "checksum_algorithm": "SHA256",
            "conditional_put": "etag",
            "skip_signature": False,
        },
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=stalled_seconds),
            "timeout": timedelta(seconds=WHOLE_REQUEST_SECONDS),
        },
        retry_config={"max_retries": 0},
        credential_provider=give_credentials,
    )


def is_aws(endpoint: str) -> bool:
    """Tell whether an endpoint is Amazon's own."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
