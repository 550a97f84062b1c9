"""A server of ours that speaks the protocols of all four providers, strictly, and can be told to misbehave."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

KEY = "sk-canary-4f1d9c77aa03e5b2"
NAMES = ("openai", "cohere", "jina", "openrouter")
LIMITS = {"openai": 2048, "cohere": 96, "jina": 512, "openrouter": 2048}
ALLOWED = {
    "openai": {"model", "input", "dimensions", "encoding_format", "user"},
    "cohere": {"model", "texts", "input_type", "embedding_types", "output_dimension", "truncate"},
    "jina": {"model", "input", "task", "dimensions", "embedding_type", "late_chunking"},
    "openrouter": {"model", "input", "dimensions", "encoding_format", "input_type", "provider"},
}


@dataclass
class Reply:
    """An answer other than the right one. ``body`` is sent as JSON unless it is bytes."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0  # seconds


@dataclass
class ProviderServer:
    """``replies`` are given first, one each; ``calls`` keeps what was asked, ``at`` when."""

    address: str = ""
    replies: list[Reply] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def forget(self) -> None:
        for seen in (self.replies, self.calls, self.at):
            seen.clear()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make a worker ask here."""
        return {f"INFERENCE_{name.upper()}_URL": f"{self.address}/{name}/" for name in NAMES}

    @property
    def urls(self) -> dict[str, str]:
        prefixes = {"jina": "jinaai"}
        return {prefixes.get(name, name): f"{self.address}/{name}" for name in NAMES}


def vector_of(text: str, size: int = 4) -> list[float]:
    """What the server makes of a text: its length, its first letter, and a ramp."""
    return [float(len(text)), float(ord(text[:1] or "\0")), *(n / 3 for n in range(size - 2))]


def right_answer(name: str, body: dict[str, Any], authorization: str | None) -> Reply:
    """What the provider answers; 400 to anything that its documentation does not allow."""
    if authorization != f"Bearer {KEY}":
        quoted = (authorization or "").removeprefix("Bearer ")
        starred = f"{quoted[:4]}********{quoted[-4:]} or {quoted[:4]}...{quoted[-4:]}"
        return refusal(name, 401, f"Incorrect API key provided: {starred}, that is {quoted}. Find yours at your page.")
    texts = body.get("texts" if name == "cohere" else "input")
    if not isinstance(texts, list) or not texts or len(texts) > LIMITS[name] or set(body) - ALLOWED[name]:
        return refusal(name, 400, f"invalid request: {sorted(body)} with {len(texts or [])} texts")
    tokens = sum(len(text.split()) for text in texts)
    if name == "cohere":
        if body.get("input_type") not in ("search_document", "search_query", "classification"):
            return refusal(name, 400, "valid input_type must be provided")
        size = body.get("output_dimension", 4)
        vectors = [vector_of(text, size) for text in texts]
        # Cohere's counts are numbers of any kind in its specification.
        return Reply(200, {"embeddings": {"float": vectors}, "meta": {"billed_units": {"input_tokens": float(tokens)}}})
    size = body.get("dimensions", 4)
    data = [{"index": index, "embedding": vector_of(text, size)} for index, text in enumerate(texts)]
    return Reply(200, {"data": data[::-1], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def refusal(name: str, status: int, sentence: str) -> Reply:
    """An error in the provider's own shape."""
    shapes = {"cohere": {"message": sentence}, "jina": {"detail": sentence}}
    return Reply(status, shapes.get(name, {"error": {"message": sentence, "type": "some_error"}}))


@contextlib.contextmanager
def running_provider() -> Iterator[ProviderServer]:
    """The server on a free port of the loopback."""
    server = ProviderServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, path = self.path.strip("/").split("/")
            assert path == ("embed" if name == "cohere" else "embeddings"), self.path
            server.calls.append({"provider": name, "body": body, "headers": dict(self.headers)})
            server.at.append(time.monotonic())
            authorization = self.headers["Authorization"]
            reply = server.replies.pop(0) if server.replies else right_answer(name, body, authorization)
            time.sleep(reply.after)
            content = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
            with contextlib.suppress(ConnectionError):
                self.send_response(reply.status)
                for header, value in {**reply.headers, "Content-Length": str(len(content))}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Not into the test's output."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
