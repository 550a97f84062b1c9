"""The fetcher takes pictures from the public internet and connects to nothing else, however it is asked."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from inference.fetcher import fetching
from inference.fetcher.addresses import AddressRefused, checked_url, is_public
from inference.fetcher.fetching import Fetcher, FetchFailed
from tests.inference.behind_the_wall import NOT_PUBLIC, PUBLIC, REFUSED_URLS
from tests.inference.image_server import WebServer, web_server
from tests.inference.pictures import picture


def only_loopback_one(address: str) -> bool:
    """Stands for the public internet in these tests; 127.0.0.2 and all others stand for what is behind the wall."""
    return address == "127.0.0.1"


def answering(*addresses: str) -> Callable[[str, int], list[Any]]:
    """A name service that knows these addresses for every name."""
    return lambda _, port: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


def fetch(url: str, **how: Any) -> bytes:
    """What a fetcher gets whose internet is 127.0.0.1 alone."""

    async def run() -> bytes:
        fetcher = Fetcher(**{"allow_http": True, "is_allowed": only_loopback_one, "lookup": answering()} | how)
        try:
            return bytes(await fetcher.fetch(url))
        finally:
            await fetcher.close()

    return asyncio.run(run())


def test_only_addresses_of_the_public_internet_are_public() -> None:
    assert [address for address in PUBLIC if not is_public(address)] == []
    assert [address for address in NOT_PUBLIC if is_public(address)] == []


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_addresses_behind_the_wall_are_refused_and_never_asked(web: WebServer, url: str) -> None:
    before = len(web.requested)
    with pytest.raises(AddressRefused):
        fetch(url.format(port=web.port), is_allowed=is_public, lookup=socket.getaddrinfo)
    assert web.requested[before:] == []


def test_a_picture_is_fetched_whatever_its_content_type_and_without_a_word_about_us(web: WebServer) -> None:
    assert fetch(web.url("/picture")) == picture()
    path, headers = web.requested[-1]
    assert path == "/picture"
    assert set(headers) == {"Host", "Connection", "User-Agent", "Accept", "Accept-Encoding"}
    assert headers["User-Agent"] == "cloudconsole"


def test_plain_http_needs_the_setting(web: WebServer) -> None:
    before = len(web.requested)
    with pytest.raises(AddressRefused):
        fetch(web.url("/picture"), allow_http=False)
    assert web.requested[before:] == []
    assert checked_url("https://example.com/a", allow_http=False).host == "example.com"


def test_a_name_is_refused_when_any_of_its_addresses_is(web: WebServer, internal: WebServer) -> None:
    assert fetch(web.url("/picture", "pictures.example"), lookup=answering("127.0.0.1")) == picture()
    before = len(web.requested)
    for addresses in (["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], []):
        with pytest.raises(AddressRefused):
            fetch(web.url("/picture", "pictures.example"), lookup=answering(*addresses))
    assert web.requested[before:] == internal.requested == []


def test_a_name_that_does_not_resolve_is_refused_like_an_internal_one() -> None:
    def unknown(host: str, port: int) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(AddressRefused):
        fetch("http://nobody.example/", lookup=unknown)


def test_a_name_that_changes_its_mind_is_taken_at_its_checked_word() -> None:
    answers = iter([answering("127.0.0.1"), answering("127.0.0.2"), answering("127.0.0.2")])
    looked_up = []

    def rebinding(host: str, port: int) -> list[Any]:
        looked_up.append(host)
        return next(answers)(host, port)

    with web_server() as web, web_server("127.0.0.2", web.port) as internal:
        assert fetch(web.url("/picture", "rebind.example"), lookup=rebinding) == picture()
        assert looked_up == ["rebind.example"]
        # A redirect to itself makes it look the name up again, and see the change.
        answers = iter([answering("127.0.0.1"), answering("127.0.0.2")])
        with pytest.raises(AddressRefused):
            fetch(web.url("/hops?1", "rebind.example"), lookup=rebinding)
        assert web.paths == ["/picture", "/hops?1"]
        assert internal.requested == []


def test_redirects_are_followed_three_times_without_cookies(web: WebServer) -> None:
    assert fetch(web.url("/hops?3")) == picture()
    assert "Cookie" not in web.requested[-1][1]
    before = len(web.requested)
    with pytest.raises(FetchFailed):
        fetch(web.url("/hops?4"))
    assert len(web.requested) - before == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/picture",
        "//127.0.0.2:{port}/picture",
        "http://169.254.169.254/latest/meta-data/",
        "http://internal.example:{port}/picture",
        "http://user@127.0.0.1:{public}/picture",
        "http://0x7f000002:{port}/picture",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{public}/picture",
        "http:\\\\127.0.0.2:{port}/picture",
    ],
)
def test_redirects_to_behind_the_wall_are_not_followed(web: WebServer, internal: WebServer, target: str) -> None:
    target = target.format(port=internal.port, public=web.port)
    before = len(web.requested)
    with pytest.raises(AddressRefused):
        fetch(web.url(f"/redirect?{quote(target)}"), lookup=answering("127.0.0.2"))
    assert len(web.requested) - before == 1
    assert internal.requested == []


NO_HONEST_FILES = ["gigabyte", "endless?", "endless?chunked", "gzip", "gzip_picture", "transfer", "short", "missing"]
NO_HONEST_FILES += ["nonsense", "lost"]


@pytest.mark.parametrize("path", NO_HONEST_FILES)
def test_bodies_that_are_no_honest_file_fail_and_fill_no_memory(web: WebServer, path: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises((FetchFailed, AddressRefused)):
            fetch(web.url(f"/{path}"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000


def test_a_slow_body_is_given_up_in_time(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.5)
    with pytest.raises(FetchFailed):
        fetch(web.url("/slow"))


def test_a_server_that_does_not_answer_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(FetchFailed):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/picture")


def test_a_server_that_is_not_there_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(FetchFailed):
        fetch(f"http://127.0.0.1:{port}/picture")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_https_needs_a_certificate_that_is_valid_for_the_name(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout key.pem -out cert.pem"
    command += " -addext subjectAltName=DNS:pictures.example"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    known = {"allow_http": False, "lookup": answering("127.0.0.1")}
    with web_server(tls=own) as web:
        assert fetch(web.url("/picture", "pictures.example"), tls=trusting, **known) == picture()
        with pytest.raises(FetchFailed):
            fetch(web.url("/picture", "other.example"), tls=trusting, **known)
        with pytest.raises(FetchFailed):
            fetch(web.url("/picture", "pictures.example"), **known)
        assert web.paths == ["/picture"]
