"""The admin API as gRPC: TLS, errors, trailers, reflection. What the methods do is tested over REST."""

import ssl

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cloudconsole.api.grpc_server import GrpcApi
from cloudconsole.api.methods import METHODS
from cloudconsole.tls import ensure_certificate
from clusters.models import Cluster
from tests.api.conftest import CLUSTERS
from tests.api.grpc_client import GrpcClient, violations_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a running server and the PEM of its authority."""
    files = ensure_certificate(tmp_path_factory.mktemp("tls"), ["localhost"])
    server = GrpcApi(files)
    port = server.start("127.0.0.1:0")
    yield f"localhost:{port}", files.authority.read_bytes()
    server.stop(5)
    server.wait()


@pytest.fixture
def grpc_api(served, api):
    with GrpcClient(*served, api.secret) as client:
        yield client


def refused(call, *arguments, **fields):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **fields)
    return caught.value


def test_both_transports_tell_the_same_in_their_own_forms(api, grpc_api, make_cluster):
    cluster = make_cluster(labels=[{"key": "team", "value": "search"}])
    answer = grpc_api.call("ClusterService.GetCluster", account_id=str(api.account.pk), cluster_id=str(cluster.pk))
    rest = api.get(f"{CLUSTERS}/{cluster.pk}").json()
    assert MessageToDict(answer, always_print_fields_with_no_presence=True) == rest


def test_every_answer_has_a_trace_id_in_its_trailers(api, grpc_api):
    _, trailers = grpc_api.call_with_trailers("ClusterService.ListClusters", account_id=str(api.account.pk))
    error = refused(grpc_api.call, "ClusterService.ListClusters", account_id="acme")
    ids = [trailers["qc-trace-id"], dict(error.trailing_metadata())["qc-trace-id"]]
    assert len(set(ids)) == 2
    assert all(len(trace_id) == 32 for trace_id in ids)


def test_broken_rules_come_as_details(api, grpc_api):
    error = refused(grpc_api.call, "ClusterService.CreateCluster", cluster={"account_id": str(api.account.pk)})
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "cluster.name must have at least 2 characters" in error.details()
    assert "string.min_len" in [violation.rule_id for violation in violations_of(error).violations]


def test_an_error_of_any_length_reaches_the_client(api, grpc_api):
    labels = [{"key": "x" * 300, "value": "y" * 2000}] * 10
    error = refused(
        grpc_api.call, "ClusterService.CreateCluster", cluster={"account_id": str(api.account.pk), "labels": labels}
    )
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("/qdrant.cloud.cluster.v1.ClusterService/PaintCluster", b"", grpc.StatusCode.UNIMPLEMENTED),
        ("/qdrant.cloud.cluster.backup.v1.BackupService/ListBackups", b"", grpc.StatusCode.UNIMPLEMENTED),
        ("/qdrant.cloud.cluster.v1.ClusterService/GetCluster", b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        ("/qdrant.cloud.cluster.v1.ClusterService/GetCluster", b"", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_what_is_no_method_or_no_message_is_refused_with_a_sentence(grpc_api, path, data, code):
    error = refused(grpc_api.bytes, path, data)
    assert error.code() == code
    assert error.details()


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_nobody_gets_in_without_a_valid_key(served, api, secret):
    with GrpcClient(*served, secret) as client:
        error = refused(client.call, "ClusterService.ListClusters", account_id=str(api.account.pk))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED


def test_the_price_list_needs_no_key(served):
    with GrpcClient(*served, None) as client:
        assert client.call("PlatformService.ListGlobalCloudProviders").items


def test_a_client_that_does_not_trust_the_authority_does_not_connect(served, api):
    # gRPC would try again for ever; a handshake says the same at once.
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.get_server_certificate(_host_and_port(served[0]), ca_certs=ssl.get_default_verify_paths().openssl_cafile)


def _host_and_port(address):
    host, _, port = address.partition(":")
    return host, int(port)


def test_a_repeated_create_with_an_idempotency_key_makes_one_cluster(api, grpc_api, wish, payment_method):
    cluster = wish()["cluster"]
    request = {
        "account_id": str(api.account.pk),
        "name": cluster["name"],
        "cloud_provider_id": "aws",
        "cloud_provider_region_id": "us-east-1",
        "configuration": {"number_of_nodes": 1, "package_id": cluster["configuration"]["packageId"]},
    }
    answers = [
        grpc_api.call("ClusterService.CreateCluster", {"idempotency-key": "one"}, cluster=request) for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert Cluster.objects.count() == 1


def test_reflection_tells_every_service(grpc_api):
    stub = reflection_pb2_grpc.ServerReflectionStub(grpc_api.channel)
    [answer] = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
    told = {service.name for service in answer.list_services_response.service}
    assert {name.rpartition(".")[0] for name in METHODS} <= told
    wanted = "qdrant.cloud.cluster.v1.ClusterService"
    [described] = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=wanted)])
    )
    assert described.file_descriptor_response.file_descriptor_proto


def test_a_failure_of_ours_is_told_by_its_trace_id_alone(api, grpc_api, monkeypatch):
    def explode(*arguments):
        raise ValueError("secret detail")

    monkeypatch.setattr("cloudconsole.api.dispatch.call", explode)
    error = refused(grpc_api.call, "ClusterService.ListClusters", account_id=str(api.account.pk))
    assert error.code() == grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()
    assert dict(error.trailing_metadata())["qc-trace-id"] in error.details()
