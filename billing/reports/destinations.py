"""Where deliveries go: a folder, or a bucket of an S3-compatible server. A file is there whole or not at all."""

from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from billing.reports.files import write_whole
from cloudconsole.jobs import CannotBeDone

_CHUNK = 1024 * 1024
# Servers other than AWS's may not know the checksums that boto3 would add of its own accord.
_S3 = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 3},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_S3_ELSEWHERE = Config(s3={"addressing_style": "path"})
_NO_USE_TO_RETRY = {"AccessDenied", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch"}


class NotThere(Exception):
    """The destination does not take the file right now; the text says why."""


class Destination(Protocol):
    """Putting the same file again changes nothing."""

    def put(self, name: str, file: Path) -> None:
        """``name`` has slashes between its folders. Raises OSError, NotThere, CannotBeDone."""


def check_url(url: str) -> str | None:
    """Why no delivery can go there, as a sentence; None if one can, as far as the text tells."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return None
    if parts.scheme == "s3" and parts.netloc and not parts.query and not parts.fragment:
        return None
    return f"{url} is neither file:///folder nor s3://bucket/prefix."


def destination_of(url: str, endpoint_url: str) -> Destination:
    """The place that a delivery's URL names (``check_url``)."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _Folder(Path(unquote(parts.path)))
    return _Bucket(parts.netloc, parts.path.strip("/"), endpoint_url)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, file: Path) -> None:
        if not self._folder.is_dir():  # perhaps not mounted: what is written there would not be seen later
            raise NotThere(f"There is no folder {self._folder}.")
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as source:
            write_whole(target, iter(lambda: source.read(_CHUNK), b""))
        target.chmod(0o640)


class _Bucket:
    def __init__(self, bucket: str, prefix: str, endpoint_url: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        config = _S3.merge(_S3_ELSEWHERE) if endpoint_url else _S3
        # A session of its own: boto3's default one is not made for several threads.
        session = boto3.session.Session()
        self._client: Any = session.client("s3", endpoint_url=endpoint_url or None, config=config)

    def put(self, name: str, file: Path) -> None:
        key = self._prefix + name
        try:
            self._client.upload_file(str(file), self._bucket, key)
            there = self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except (BotoCoreError, ClientError, boto3.exceptions.S3UploadFailedError) as error:
            raise _refusal(error) from error
        if there != file.stat().st_size:
            raise NotThere(f"s3://{self._bucket}/{key} has {there} bytes instead of {file.stat().st_size}.")


def _refusal(error: Exception) -> Exception:
    if any(code in str(error) for code in _NO_USE_TO_RETRY):
        return CannotBeDone(f"{error} Correct it, then run the delivery again.")
    return NotThere(str(error))
