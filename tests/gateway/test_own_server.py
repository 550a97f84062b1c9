"""A Qdrant server with TLS and a key of its own: the gateway trusts its authority, and shows it no key but its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import uvicorn
from django.conf import settings

from cloudconsole.qdrant_servers import QdrantServers
from cloudconsole.tls import CertificateFiles, ensure_certificate
from tests.gateway.conftest import Door, sentence
from tests.gateway.running import GrpcMirror, Mirror, in_a_thread
from tests.running_cloud import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Mirror, GrpcMirror, dict[str, str]]]:
    """Mirrors with TLS on both ports, and the variables that name them."""
    files = ensure_certificate(tmp_path, ["localhost"])
    mirror, grpc_mirror = Mirror(), GrpcMirror()
    rest = uvicorn.Server(
        uvicorn.Config(
            mirror,
            port=free_port(),
            lifespan="off",
            log_config=None,
            ssl_certfile=str(files.certificate),
            ssl_keyfile=str(files.key),
        )
    )
    remote = grpc.server(ThreadPoolExecutor(2), handlers=[grpc_mirror])
    grpc_port = remote.add_secure_port("localhost:0", credentials(files))
    remote.start()
    with in_a_thread(rest, "the mirror"):
        yield (
            mirror,
            grpc_mirror,
            {
                "QDRANT_URL_AZURE_EASTUS": f"https://localhost:{rest.config.port}",
                "QDRANT_GRPC_PORT_AZURE_EASTUS": str(grpc_port),
                "QDRANT_API_KEY_AZURE_EASTUS": "the server's",
                "QDRANT_CA_FILE_AZURE_EASTUS": str(files.authority),
            },
        )
    remote.stop(0).wait()


def credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials([(files.key.read_bytes(), files.certificate.read_bytes())])


def test_both_ports_are_reached_with_the_servers_key(
    server, open_door: Callable[..., Door], channel: grpc.Channel, monkeypatch: pytest.MonkeyPatch
):
    mirror, grpc_mirror, variables = server
    monkeypatch.setattr(settings, "QDRANT_SERVERS", QdrantServers(variables))
    door = open_door("own-server", place="azure eastus", node=False)
    assert door.http.post("/collections/x/points/scroll", content=b"{}").status_code == 200
    assert dict(mirror.seen[0]["headers"])[b"api-key"] == b"the server's"
    assert mirror.seen[0]["path"] == b"/collections/x/points/scroll"
    message = channel.unary_unary("/qdrant.Points/Scroll")(b"", metadata=[("api-key", door.secret)], timeout=20)
    assert message == b""
    assert grpc_mirror.seen[0][2]["api-key"] == "the server's"


def test_a_server_with_a_certificate_of_somebody_else_is_not_believed(
    server, open_door: Callable[..., Door], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mirror, _, variables = server
    other = ensure_certificate(tmp_path / "other", ["localhost"])
    variables["QDRANT_CA_FILE_AZURE_EASTUS"] = str(other.authority)
    monkeypatch.setattr(settings, "QDRANT_SERVERS", QdrantServers(variables))
    door = open_door("impostor", place="azure eastus", node=False)
    answer = door.http.get("/collections")
    assert answer.status_code == 503
    assert "cannot be reached" in sentence(answer)
    assert not mirror.seen
