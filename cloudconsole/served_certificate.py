"""The certificate that a server shows: each handshake gets what its files hold then, so a renewal needs no restart."""

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Pair:
    stamps: tuple[int, ...]
    context: ssl.SSLContext
    configuration: Any  # gRPC's form of the same


class ServedCertificate:
    """A certificate and its key, in PEM files. Renewed files that are no pair leave the one before in use."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises OSError (as ssl.SSLError, too) and ValueError when the files are no certificate and its key."""
        self._files = (certificate, key)
        self._lock = threading.Lock()  # gRPC asks from threads of its own
        self._pair = _read(*self._files)
        self._seen = self._pair.stamps

    def show(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """An ``SSLContext.sni_callback``, which is called whether or not the client names a host."""
        connection.context = self._current().context

    def grpc_credentials(self) -> Any:
        """Credentials of a gRPC server."""
        pair = self._current()
        given = pair.stamps

        def newer() -> Any:
            nonlocal given
            pair = self._current()
            if pair.stamps == given:
                return None
            given = pair.stamps
            return pair.configuration

        return grpc.dynamic_ssl_server_credentials(pair.configuration, newer)

    def _current(self) -> _Pair:
        stamps = _stamps(*self._files)
        with self._lock:
            if stamps != self._seen:
                self._seen = stamps
                try:
                    self._pair = _read(*self._files)
                    logger.info("the renewed certificate %s is in use", self._files[0])
                except (OSError, ValueError) as error:
                    logger.warning("%s and %s are no pair, the one before stays in use: %s", *self._files, error)
            return self._pair


def _read(certificate: Path, key: Path) -> _Pair:
    stamps = _stamps(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    configuration = grpc.ssl_server_certificate_configuration([(key.read_bytes(), certificate.read_bytes())])
    return _Pair(stamps, context, configuration)


def _stamps(*files: Path) -> tuple[int, ...]:
    """When they were written; nothing while one of them is away."""
    try:
        return tuple(file.stat().st_mtime_ns for file in files)
    except OSError:
        return ()
