"""Web servers on loopback with pictures, tricks and a record of everything they were asked for."""

import contextlib
import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from tests.inference.pictures import picture

BOMB = gzip.compress(bytes(50_000_000))
Answer = Callable[["Handler", str], None]


class WebServer:
    """``requested`` holds the path and the headers of each request; ``stop`` ends bodies without an end."""

    def __init__(self, scheme: str, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.scheme = scheme
        self.requested: list[tuple[str, dict[str, str]]] = []
        self.stop = threading.Event()

    def url(self, path: str, host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requested]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: WebServer

    def do_GET(self) -> None:
        self.web.requested.append((self.path, dict(self.headers)))
        self.close_connection = True
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            name, _, argument = self.path.removeprefix("/").partition("?")
            ANSWERS[name](self, argument)

    def head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, body: bytes, **headers: str) -> None:
        self.head(Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _redirect(handler: Handler, target: str) -> None:
    handler.head(302, Location=unquote(target), Content_Length="0", Set_Cookie="seen=1")


def _hops(handler: Handler, left: str) -> None:
    """As many redirects as ``left`` says, then a picture."""
    if left == "0":
        handler.send(picture())
    else:
        _redirect(handler, f"/hops?{int(left) - 1}")


def _endless(handler: Handler, chunked: str) -> None:
    handler.head(**({"Transfer_Encoding": "chunked"} if chunked else {}))
    while not handler.web.stop.is_set():
        handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n" if chunked else bytes(0x10000))


def _slow(handler: Handler, _: str) -> None:
    handler.head(Content_Length="1000000")
    while not handler.web.stop.is_set():
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _declared_gigabyte(handler: Handler, _: str) -> None:
    handler.head(Content_Length=str(1 << 30))
    handler.wfile.write(bytes(1000))
    handler.web.stop.wait(20)


def _cut_short(handler: Handler, _: str) -> None:
    handler.head(Content_Length="5000")
    handler.wfile.write(picture()[:100])


ANSWERS: dict[str, Answer] = {
    "picture": lambda handler, _: handler.send(picture(), Content_Type="text/html"),
    "other": lambda handler, _: handler.send(picture(colour=(0, 200, 0))),
    "redirect": _redirect,
    "hops": _hops,
    "endless": _endless,
    "slow": _slow,
    "gigabyte": _declared_gigabyte,
    "short": _cut_short,
    "gzip": lambda handler, _: handler.send(BOMB, Content_Encoding="gzip"),
    "gzip_picture": lambda handler, _: handler.send(gzip.compress(picture()), Content_Encoding="gzip"),
    "transfer": lambda handler, _: handler.head(Transfer_Encoding="gzip, chunked"),
    "missing": lambda handler, _: handler.head(404, Content_Length="0"),
    "nonsense": lambda handler, _: handler.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n"),
    "lost": lambda handler, _: handler.head(302, Content_Length="0"),
}


@contextlib.contextmanager
def web_server(host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Serve until the end of the ``with`` block."""
    server = ThreadingHTTPServer((host, port), type("WebHandler", (Handler,), {}))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    web = WebServer("https" if tls else "http", host, server.server_port)
    server.RequestHandlerClass.web = web  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield web
    finally:
        web.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
