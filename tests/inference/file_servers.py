"""Servers on loopback that stand in for a package index and for the model hub, and can stall."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

_LARGE = 100_000
NOWHERE = "http://127.0.0.1:9"  # the discard port: refuses at once


class FileServer:
    """What a server was asked for. Clear ``flowing`` to make it stop in the middle of every large file.

    ``ranges`` has where requests for the rest of a file began.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.flowing = threading.Event()
        self.flowing.set()
        self.requested: list[str] = []
        self.ranges: list[int] = []


@contextlib.contextmanager
def serving(respond: Any) -> Iterator[FileServer]:
    """Answer each GET and HEAD with ``respond(path) -> (headers, body)``; None is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requested.append(self.path)
            answer = respond(self.path)
            headers, body = answer or ({}, b"")
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            if start:
                server.ranges.append(start)
                headers = headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
                body = body[start:]
            self.send_response(404 if not answer else 206 if start else 200)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                with contextlib.suppress(ConnectionError):
                    stalls = len(body) > _LARGE and not server.flowing.is_set()
                    half = len(body) * 2 // 3 if stalls else len(body)
                    self.wfile.write(body[:half])
                    if stalls:
                        server.flowing.wait(30)
                    self.wfile.write(body[half:])

        do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

        def log_message(self, *_: Any) -> None:
            """Not into the test's output."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = FileServer(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.flowing.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextlib.contextmanager
def package_index(wheel: Path) -> Iterator[FileServer]:
    """A page with a link to one wheel, for pip's ``--find-links``."""

    def respond(path: str) -> tuple[dict[str, str], bytes] | None:
        if path == "/":
            return {"Content-Type": "text/html"}, f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
        return ({}, wheel.read_bytes()) if path == f"/{wheel.name}" else None

    with serving(respond) as server:
        yield server


@contextlib.contextmanager
def model_hub(repo: str, folder: Path, *, spoilt: str | None = None) -> Iterator[FileServer]:
    """One repository with the files of ``folder``, as the hub's library asks for them.

    Like the hub, it names large files by their SHA-256 and small ones by Git's hash. A file in ``spoilt`` arrives
    with other contents than its name says.
    """
    revision = "1" * 40
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def respond(path: str) -> tuple[dict[str, str], bytes] | None:
        path = path.partition("?")[0]
        kind = {"Content-Type": "application/json"}
        if path.startswith(f"/api/models/{repo}/tree/"):
            listed = [
                {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
                for name, content in files.items()
            ]
            return kind, orjson.dumps(listed)
        if path in (f"/api/models/{repo}", f"/api/models/{repo}/revision/main"):
            siblings = [{"rfilename": name} for name in files]
            return kind, orjson.dumps({"id": repo, "sha": revision, "siblings": siblings})
        name = path.removeprefix(f"/{repo}/resolve/{revision}/")
        if name in files or (name := path.removeprefix(f"/{repo}/resolve/main/")) in files:
            content = files[name][:-1] + b"!" if name == spoilt else files[name]
            return {"ETag": f'"{_oid(files[name])}"', "X-Repo-Commit": revision}, content
        return None

    with serving(respond) as server:
        yield server


def _oid(content: bytes) -> str:
    if len(content) > _LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
