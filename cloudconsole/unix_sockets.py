"""HTTP over unix sockets."""

import ssl
from pathlib import Path

import httpx

# Nothing here speaks TLS, and httpx would read all authorities for each client: 40 ms. This context trusts none.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def unix_transport(socket: Path | str) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(uds=str(socket), verify=NO_TLS)


def async_unix_transport(socket: Path | str) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(uds=str(socket), verify=NO_TLS)
