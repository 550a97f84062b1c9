"""One image from one URL: every address checked before it is connected to, everything counted while it arrives."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from inference.fetcher.addresses import AddressRefused, checked_url, is_public
from inference.fetcher.limits import CONNECT_SECONDS, LARGEST_IMAGE, MOST_AT_ONCE, MOST_REDIRECTS, TOTAL_SECONDS

_CHUNK = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "cloudconsole", "Accept": "image/*", "Accept-Encoding": "identity"}

Lookup = Callable[[str, int], list[Any]]


class FetchFailed(Exception):
    """There was no image to be had from an address. Carries no reason, because none is ever told."""


class Fetcher:
    """Fetches with its own connections, one for each request; belongs to the event loop it is made on."""

    def __init__(
        self,
        *,
        allow_http: bool = False,
        is_allowed: Callable[[str], bool] = is_public,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``is_allowed``, ``lookup`` (as ``socket.getaddrinfo``) and ``tls`` are given by tests only."""
        self._allow_http = allow_http
        self._is_allowed = is_allowed
        connector = aiohttp.TCPConnector(
            resolver=_CheckingResolver(lookup or _look_up, is_allowed),
            use_dns_cache=False,
            force_close=True,
            limit=0,
            ssl=tls or ssl.create_default_context(),
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
        )

    async def fetch(self, address: str) -> bytearray:
        """The bytes at a URL, whatever they are. Raises ``AddressRefused`` or ``FetchFailed``."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._follow(checked_url(address, allow_http=self._allow_http))
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise FetchFailed from error

    async def close(self) -> None:
        await self._session.close()

    async def _follow(self, url: URL) -> bytearray:
        for _ in range(1 + MOST_REDIRECTS):
            # aiohttp asks no resolver about a host that is an address.
            host = str(url.raw_host)
            if _is_address(host) and not self._is_allowed(host):
                raise AddressRefused
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await _read(response)
                location = response.headers.get("Location", "")
            url = checked_url(location, allow_http=self._allow_http, base=url)
        raise FetchFailed

    def _socket(self, where: Any) -> socket.socket:
        """The last gate: whatever led here, nothing else is connected to."""
        family, kind, protocol, _, address = where
        if not self._is_allowed(address[0]):
            raise AddressRefused
        return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse) -> bytearray:
    encodings = response.headers.get("Content-Encoding", "identity"), response.headers.get("Transfer-Encoding", "")
    if response.status != 200 or encodings[0].lower() != "identity" or encodings[1].lower() not in ("", "chunked"):
        raise FetchFailed
    if (response.content_length or 0) > LARGEST_IMAGE:
        raise FetchFailed
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_IMAGE:
            raise FetchFailed
    return body


class _CheckingResolver(AbstractResolver):
    """Checks the very answers that are connected to, so that a name cannot change its mind in between."""

    def __init__(self, lookup: Lookup, is_allowed: Callable[[str], bool]) -> None:
        self._lookup = lookup
        self._is_allowed = is_allowed
        # Of its own: a name whose servers do not answer holds its thread for a while.
        self._threads = ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises ``AddressRefused`` when it has a forbidden one.

        A name without any is refused just so: the difference would tell strangers which internal names exist.
        """
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, self._lookup, host, port)
        except (OSError, UnicodeError):
            raise AddressRefused from None
        if not answers or not all(self._is_allowed(address[0]) for *_, address in answers):
            raise AddressRefused
        return [
            ResolveResult(
                hostname=host, host=address[0], port=port, family=kind, proto=0, flags=int(socket.AI_NUMERICHOST)
            )
            for kind, *_, address in answers
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
