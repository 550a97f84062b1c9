"""Static files: addresses that name the content, so that browsers keep what they have, and whole answers."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

_FOR_EVER = "max-age=31536000, public, immutable"


@cache
def _version(name: str) -> str | None:
    """Of a file's content as it was when it was first asked for; None where there is no such file."""
    path = finders.find(name)
    return sha256(Path(path).read_bytes()).hexdigest()[:12] if path else None


class VersionedStorage(StaticFilesStorage):
    """``/static/css/base.css?v=…``: another content has another address. Nothing has to be collected for it."""

    def url(self, name: str | None) -> str:
        address, version = super().url(name), _version(name or "")
        return f"{address}?v={version}" if version else address


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, whose files are small here and so answered in one piece: under ASGI it would need a thread to stream.

    What is asked for by the version that it has needs never be asked for again.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        answer = static_file.get_response(request.method, request.META)
        content = b""
        if answer.file is not None:
            with answer.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(answer.status))
        del response["Content-Type"]  # Django's guess; the file's own is among these
        for name, value in answer.headers:
            response[name] = value
        if content:  # WhiteNoise tells how long the file was when the console started
            response["Content-Length"] = str(len(content))
        asked = request.GET.get("v")
        if asked and asked == _version(request.path_info.removeprefix(settings.STATIC_URL)):
            response["Cache-Control"] = _FOR_EVER
        return response
