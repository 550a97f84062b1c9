"""Who may come in, to which cluster, and what is answered without asking."""

import logging
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from cloudconsole.accounts.services import Actor
from clusters.database_keys import create_database_api_key
from clusters.models import Cluster, DatabaseApiKey
from clusters.notifications import announce_cluster_change
from tests.gateway.conftest import Door, committing, sentence
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def set_serving(door: Door, serving: bool, phase: str) -> None:
    def write() -> None:
        Cluster.objects.filter(pk=door.cluster.pk).update(serving=serving, phase=phase)
        announce_cluster_change(door.cluster.pk)

    committing(write)


def new_key(door: Door, name: str, *, secret: str | None = None, **fields: object) -> str:
    made = []

    def write() -> None:
        actor = Actor(type="test", id="test", name="test")
        key, made_secret = create_database_api_key(cluster=door.cluster, name=name, requested_by=actor, secret=secret)
        DatabaseApiKey.objects.filter(pk=key.pk).update(**fields)
        made.append(made_secret)

    committing(write)
    return made[0]


@pytest.mark.parametrize("path", ["/", "/healthz", "/livez", "/readyz"])
@pytest.mark.parametrize("headers", [{}, {"api-key": "wrong"}])
def test_introduction_and_health_need_no_key(gateway_url: str, path, headers):
    answer = httpx.get(gateway_url + path, headers=headers)
    assert answer.status_code == 200
    if path == "/":
        assert answer.json()["title"] == "qdrant - vector search engine"
        assert answer.json()["version"] == "1.19.0"


@pytest.mark.parametrize("headers", [{}, {"api-key": ""}, {"authorization": "Basic abc"}])
def test_without_a_key_nothing_is_told(gateway_url: str, headers):
    answer = httpx.get(f"{gateway_url}/collections", headers=headers)
    assert answer.status_code == 401
    assert sentence(answer) == "Must provide an API key or an Authorization bearer token"
    assert answer.json()["time"] >= 0
    assert answer.headers["x-request-id"]


def test_a_wrong_key_is_refused(gateway_url: str):
    answer = httpx.get(f"{gateway_url}/collections", headers={"api-key": "ccd_wrong"})
    assert (answer.status_code, sentence(answer)) == (401, "Invalid API key or JWT")


def test_the_key_alone_is_enough_in_either_header(gateway_url: str, new_us: Door):
    for headers in ({"api-key": new_us.secret}, {"authorization": f"Bearer {new_us.secret}"}):
        assert httpx.get(f"{gateway_url}/collections", headers=headers).json()["status"] == "ok"


def test_a_host_that_names_the_cluster_agrees_with_its_key(new_us: Door):
    host = f"{new_us.cluster.host}.localhost:6333".upper()
    assert new_us.http.get("/collections", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["{other}.aws.localhost", "00000000-0000-4000-8000-000000000000.us-east-1.aws.localhost"]
)
def test_another_clusters_host_is_refused_in_words_that_tell_nothing(new_us: Door, free_us: Door, host):
    answer = new_us.http.get("/collections", headers={"host": host.format(other=free_us.cluster.pk)})
    assert (answer.status_code, sentence(answer)) == (403, "This API key does not give access to this host.")


def test_an_expired_key_says_so(gateway_url: str, new_us: Door):
    past = timezone.now() - timedelta(seconds=31)
    token = new_key(new_us, "expired token", expires_at=past)
    opaque = new_key(new_us, "expired", secret="ccd_expired", expires_at=past)
    almost = new_key(new_us, "almost expired", expires_at=timezone.now() - timedelta(seconds=5))
    for secret, status, words in (
        (token, 403, "ExpiredSignature"),
        (opaque, 401, "This API key has expired. Create a new one in the console."),
    ):
        answer = httpx.get(f"{gateway_url}/collections", headers={"api-key": secret})
        assert (answer.status_code, sentence(answer)) == (status, words)
    assert httpx.get(f"{gateway_url}/collections", headers={"api-key": almost}).is_success


@pytest.mark.parametrize("announced", [True, False])
def test_a_revoked_key_is_refused_within_a_second(gateway_url: str, new_us: Door, announced):
    secret = new_key(new_us, f"revoked {announced}")
    with httpx.Client(base_url=gateway_url, headers={"api-key": secret}) as http:
        assert http.get("/collections").status_code == 200

        def revoke() -> None:
            DatabaseApiKey.objects.filter(name=f"revoked {announced}").update(revoked_at=timezone.now())
            if announced:
                announce_cluster_change(new_us.cluster.pk)

        committing(revoke)
        patience = 0.5 if announced else 1.5
        wait_until(lambda: http.get("/collections").status_code == 401, seconds=patience, what="the key is refused")
        assert sentence(http.get("/collections")) == "Invalid API key or JWT"


@pytest.mark.parametrize(
    ("phase", "told"),
    [("UPDATING", "is restarting"), ("CREATING", "is being created"), ("SUSPENDED", "is suspended")],
)
def test_a_cluster_that_does_not_serve_says_what_it_is_doing(free_us: Door, phase, told):
    assert free_us.http.get("/collections").status_code == 200
    set_serving(free_us, False, phase)
    try:
        wait_until(lambda: free_us.http.get("/collections").status_code == 503, seconds=0.5, what="the endpoint closes")
        answer = free_us.http.put("/collections/x/points", content=b'{"model"')
        assert answer.status_code == 503
        assert f"Cluster free-us {told}" in sentence(answer)
        assert answer.headers["retry-after"] == "1"
    finally:
        set_serving(free_us, True, "HEALTHY")
    wait_until(lambda: free_us.http.get("/collections").status_code == 200, seconds=0.5, what="the endpoint opens")


def test_a_failed_request_is_one_log_line_and_a_good_one_none(new_us: Door, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        new_us.http.get("/collections")
        answer = new_us.http.get("/collections/nowhere")

        def lines() -> list[str]:
            return [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]

        [line] = wait_until(lines, seconds=2, what="the line is written")
    for part in (str(new_us.cluster.pk), '"status":404', "Collection `nowhere` doesn't exist!"):
        assert part in line
    assert answer.headers["x-request-id"] in line
