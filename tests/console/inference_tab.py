"""The Inference tab as its tests see it, and the worker that it asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from django.test import Client

from clusters.models import Cluster
from tests.console.html import Element, parse

MINILM = "sentence-transformers/all-minilm-l6-v2"


def tab(console: Client, cluster: Cluster, **query: str) -> Element:
    return parse(console.get(f"/clusters/{cluster.pk}/inference", query))


@contextmanager
def worker_that_says(models: list[dict[str, object]], settings: object) -> Iterator[None]:
    """An inference worker, as far as this page asks it."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/models"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"models": models}).encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.INFERENCE_ADDRESSES = ["127.0.0.1:1", f"127.0.0.1:{server.server_port}"]
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
