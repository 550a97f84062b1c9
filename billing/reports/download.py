"""An export's file as an HTTP answer: whole or, to go on where a download broke off, from somewhere in it."""

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from billing.exports import EXPORT_FORMATS
from billing.reports.models import Export
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import Job

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def file_answer(export: Export, request: HttpRequest) -> HttpResponseBase:
    """The file with its SHA-256 as entity tag and as ``Repr-Digest`` (RFC 9530); honours one ``Range`` (RFC 9110).

    Raises ServiceError: FAILED_PRECONDITION before it is made, NOT_FOUND once it is removed.
    """
    path, size = _file_of(export)
    tag = f'"{export.sha256}"'
    start, end = _asked_range(request, size, tag)
    if start >= size > 0:
        answer: HttpResponseBase = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        whole = (start, end) == (0, size)
        answer = StreamingHttpResponse(_read(path, start, end), status=200 if whole else 206)
        answer.headers["Content-Length"] = str(end - start)
        if not whole:
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    format = EXPORT_FORMATS[export.format]
    months = export.months.replace(" to ", "-to-")
    answer.headers["Content-Type"] = format.content_type
    answer.headers["Content-Disposition"] = f'attachment; filename="inference-usage-{months}.{format.extension}"'
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["ETag"] = tag
    digest = base64.b64encode(bytes.fromhex(export.sha256)).decode()
    answer.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    return answer


def _file_of(export: Export) -> tuple[Path, int]:
    if export.state == Job.State.FAILED:
        raise ServiceError(Code.FAILED_PRECONDITION, f"This export failed: {export.error} Ask for it again.")
    if export.unfinished:
        raise ServiceError(
            Code.FAILED_PRECONDITION, f"This export is {export.progress_percent} % done. Try again in a moment."
        )
    path = settings.BILLING_EXPORTS_DIR / export.file_name
    if not export.file_name or not path.is_file():
        raise ServiceError(
            Code.NOT_FOUND,
            f"The file is gone: files are kept for {settings.BILLING_EXPORT_DAYS} days. Ask for the export again; "
            "the same usage gives the same bytes.",
        )
    return path, path.stat().st_size


def _asked_range(request: HttpRequest, size: int, tag: str) -> tuple[int, int]:
    """From which byte up to which one, not included. Everything unless one range is asked for, of this very file."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or not any(asked.groups()) or request.headers.get("If-Range", tag) != tag:
        return 0, size
    first, last = asked.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return 0, size
    return int(first), min(size, int(last) + 1) if last else size


async def _read(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    """Asynchronous, because Django would put a plain iterator into memory whole."""
    file: BinaryIO = await sync_to_async(lambda: path.open("rb"))()
    try:
        file.seek(start)
        while start < end and (piece := await sync_to_async(file.read)(min(_CHUNK, end - start))):
            start += len(piece)
            yield piece
    finally:
        file.close()
