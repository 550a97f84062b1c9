"""Where things live: one answer for every process.

Unix socket paths are limited to about 100 bytes, and as root PostgreSQL runs as a user of its own that
must reach its folder. Both hold wherever the project lies, because only folders that satisfy them are chosen here.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent
_LONGEST_SOCKET_NAME = len("/n-00000000-0000-0000-0000-000000000000.sock")
_SOCKET_PATH_LIMIT = 103  # macOS allows 104 bytes including the terminating zero, Linux 108


@dataclass(frozen=True)
class Paths:
    """Folders of one running cloud, all derived from its data folder."""

    data: Path  # everything that must survive, mode 0700
    run: Path  # unix sockets of our own processes
    postgres: Path  # the embedded PostgreSQL's data folder
    postgres_socket_dir: Path
    models: Path  # cached model weights
    demo_secrets: Path  # demo mode only, mode 0600
    processes: Path  # what the supervisor runs, as JSON


def grpc_socket(rest_socket: Path) -> Path:
    """The socket that a node serves gRPC on, beside the one (``n-<cluster id>.sock``) for REST."""
    return rest_socket.with_name(f"g-{rest_socket.name.removeprefix('n-')}")


def link_beside(server_socket: Path) -> Path:
    """The socket for links of the process that serves HTTP or gRPC on this one."""
    return server_socket.with_suffix(".link")


def link_socket(rest_socket: Path) -> Path:
    """The socket on which a node takes the gateway's gRPC messages."""
    return link_beside(grpc_socket(rest_socket))


def resolve_paths(data: Path | None = None) -> Paths:
    """The folders for ``data``, by default the folder named by ``CLOUDCONSOLE_DATA_DIR`` or else ``.cloud``."""
    data = (data or Path(os.environ.get("CLOUDCONSOLE_DATA_DIR") or PROJECT_DIR / ".cloud")).absolute()
    tag = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    run = data / "run"
    if len(os.fsencode(run)) + _LONGEST_SOCKET_NAME > _SOCKET_PATH_LIMIT:
        run = Path(f"/tmp/cloudconsole-{os.geteuid()}-{tag}")  # noqa: S108 - created 0700 and its owner checked
    if os.geteuid() == 0:
        own = Path("/var/lib/cloudconsole") / tag
        postgres, postgres_socket_dir = own / "postgres", own / "run"
    else:
        postgres, postgres_socket_dir = data / "postgres", run
    return Paths(
        data=data,
        run=run,
        postgres=postgres,
        postgres_socket_dir=postgres_socket_dir,
        models=Path(os.environ.get("INFERENCE_CACHE_DIR") or data / "models"),
        demo_secrets=data / "demo.json",
        processes=run / "processes.json",
    )
