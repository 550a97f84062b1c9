"""Exports over REST: asked for, looked at, downloaded, and gone on with where a download broke off."""

import base64
import hashlib
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import Client

from billing.reports.deliveries import create_delivery, run_delivery
from billing.reports.models import DeliveredMonth, Export
from billing.reports.services import run_export
from billing.rules import Month
from cloudconsole.accounts.models import Membership, User
from cloudconsole.accounts.permissions import Role
from tests.api.conftest import ApiClient, client_of
from tests.billing.usage import Customer, store

EXPORTS = "/billing/v1/accounts/{account}/exports"
DELIVERIES = "/billing/v1/accounts/{account}/deliveries"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.BILLING_EXPORTS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def customer(db: None, make_cluster) -> Customer:
    return Customer(make_cluster)


@pytest.fixture
def api(customer: Customer) -> ApiClient:
    return client_of(customer.account)


def ask(api: ApiClient, **wish) -> dict:
    answer = api.post(EXPORTS, {"month": "2026-11", "format": "csv"} | wish)
    assert answer.status_code == 202, answer.content
    return answer.json()


def content(answer: HttpResponse) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in answer])

    return async_to_sync(read)() if answer.streaming else answer.content


def made(api: ApiClient, **wish) -> dict:
    export = ask(api, **wish)
    run_export(export["id"])
    return api.get(export["operationUrl"].removeprefix("/api")).json()


def download(api: ApiClient, export: dict, **headers: str) -> HttpResponse:
    authorization = {"Authorization": f"apikey {api.secret}"}
    return api._client.get(export["downloadUrl"], headers=authorization | headers)


def test_from_the_wish_to_the_file(api: ApiClient, customer: Customer):
    store(customer.event(1_234))
    answer = api.post(EXPORTS, {"month": "2026-11", "format": "csv"})
    export = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == export["operationUrl"]
    assert answer.headers["qc-trace-id"]
    assert (export["state"], export["progressPercent"]) == ("PENDING", 0)
    assert "downloadUrl" not in export
    run_export(export["id"])
    done = api.get(export["operationUrl"].removeprefix("/api")).json()
    assert (done["state"], done["progressPercent"]) == ("SUCCEEDED", 100)
    answer = download(api, done)
    body = content(answer)
    assert b",1234," in body
    digest = hashlib.sha256(body)
    assert (done["sha256"], done["bytes"]) == (digest.hexdigest(), str(len(body)))
    assert answer.headers["ETag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="inference-usage-2026-11.csv"'
    assert [item["id"] for item in api.get(EXPORTS).json()["items"]] == [done["id"]]


def test_a_wish_sent_again_with_its_key_is_one_export(api: ApiClient):
    def ask_again(**wish: str) -> HttpResponse:
        body = {"month": "2026-11", "format": "csv"} | wish
        return api.request("POST", EXPORTS, body=body, headers={"Idempotency-Key": "one"})

    first, second = ask_again(), ask_again()
    assert (first.status_code, second.status_code) == (202, 202)
    assert (second.json(), second.headers["Location"]) == (first.json(), first.headers["Location"])
    assert Export.objects.count() == 1
    assert ask_again(format="jsonl").status_code == 409
    assert ask(api)["id"] != first.json()["id"]


def test_a_wish_that_was_refused_can_be_sent_again(api: ApiClient):
    headers = {"Idempotency-Key": "one"}
    for month, status in (("soon", 400), ("2026-11", 202)):
        body = {"month": month, "format": "csv"}
        assert api.request("POST", EXPORTS, body=body, headers=headers).status_code == status


def test_every_filter_reaches_the_row(api: ApiClient, customer: Customer):
    cluster = customer.clusters[0]
    key = customer.keys[cluster.pk][0]
    wish = {
        "from": "2026-09",
        "to": "2026-10",
        "format": "focus-parquet",
        "clusterId": str(cluster.pk),
        "model": customer.models[0].name,
        "apiKeyId": str(key.pk),
        "label": "team=search = find",
    }
    answer = api.post(EXPORTS, wish).json()
    assert wish.items() <= answer.items()
    selection = Export.objects.get().selection
    assert (selection.cluster_id, selection.model, selection.api_key_id, selection.label) == (
        cluster.pk,
        customer.models[0].name,
        key.pk,
        ("team", "search = find"),
    )


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-5", -5, None), ("bytes=5-999999", 5, None)],
)
def test_a_broken_download_goes_on(asked: str, start: int, end: int | None, api: ApiClient, customer: Customer):
    store(customer.event())
    export = made(api)
    whole = content(download(api, export))
    answer = download(api, export, Range=asked, **{"If-Range": f'"{export["sha256"]}"'})
    assert answer.status_code == 206
    assert content(answer) == whole[start:end]
    first = start % len(whole)
    last = first + len(whole[start:end]) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert answer.headers["Content-Length"] == str(len(whole[start:end]))


def test_ranges_of_another_file_or_of_nothing(api: ApiClient, customer: Customer):
    export = made(api)
    size = int(export["bytes"])
    assert download(api, export, Range="bytes=0-1", **{"If-Range": '"another"'}).status_code == 200
    for nonsense in ("bytes=-", "bytes=9-3", "lines=1-2", "bytes=0-1,3-4"):
        answer = download(api, export, Range=nonsense)
        assert (answer.status_code, len(content(answer))) == (200, size)
    answer = download(api, export, Range=f"bytes={size}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"format": "xls"}, "format: Select a valid choice. xls is not one of the available choices."),
        ({"month": "soon"}, "from: A month is written as YYYY-MM, such as 2026-11."),
        ({"month": None}, "from: This field is required."),
        ({"to": "2026-10"}, "The months from 2026-11 to 2026-10 are none."),
        ({"label": "team"}, "label: A label is written as key=value."),
        ({"clusterId": "x"}, "clusterId: Enter a valid UUID."),
        ({"model": "nobody/knows"}, "model: There is no model nobody/knows."),
        ({"month": ["2026-11"]}, "from: A month is written as YYYY-MM, such as 2026-11."),
    ],
)
def test_a_wrong_wish_is_told(wish: dict, sentence: str, api: ApiClient):
    answer = api.post(EXPORTS, {"month": "2026-11", "format": "csv"} | wish)
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, 3, sentence)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_wish_is_told(body: bytes, api: ApiClient):
    assert api.post(EXPORTS, body).status_code == 400


def test_what_is_not_ready_or_gone_says_so(api: ApiClient, folder: Path):
    export = ask(api)
    path = export["operationUrl"].removeprefix("/api") + "/file"
    answer = api.get(path)
    assert (answer.status_code, answer.json()["message"]) == (400, "This export is 0 % done. Try again in a moment.")
    run_export(export["id"])
    for file in folder.iterdir():
        file.unlink()
    answer = api.get(path)
    assert answer.status_code == 404
    assert "Ask for the export again" in answer.json()["message"]


def test_other_accounts_exports_do_not_exist(api: ApiClient, make_cluster):
    stranger = client_of(Customer(make_cluster).account)
    export = ask(api)
    path = export["operationUrl"].removeprefix("/api")
    mine = f"/billing/v1/accounts/{stranger.account.pk}/exports/{export['id']}"
    for asked in (path, path + "/file", EXPORTS.format(account=api.account.pk), mine, mine + "/file"):
        assert stranger.get(asked).status_code == 404
    assert stranger.post(EXPORTS.format(account=api.account.pk), {}).status_code == 404
    assert stranger.get(EXPORTS).json() == {"items": []}


def test_people_who_are_signed_in_ask_too(api: ApiClient, customer: Customer, client: Client):
    path = "/api" + EXPORTS.format(account=customer.account.pk)
    for role, status in ((Role.OWNER, 202), (Role.BASE, 403)):
        user = User.objects.create_user(email=f"{role}@acme.example", password="correct horse battery")
        Membership.objects.create(account=customer.account, user=user, role=role)
        client.force_login(user)
        wish = {"month": "2026-11", "format": "csv"}
        assert client.post(path, wish, content_type="application/json").status_code == status
    assert Export.objects.get().requested_by == f"{Role.OWNER}@acme.example"


def test_deliveries_and_what_became_of_their_months(api: ApiClient, customer: Customer, make_cluster, tmp_path: Path):
    month = Month(2025, 3)
    delivery = create_delivery(
        account=customer.account, url=f"file://{tmp_path}", endpoint_url="", formats=["csv"], first_month=month
    )
    row = DeliveredMonth.objects.create(delivery=delivery, month=month.first_day)
    run_delivery(row.pk)
    DeliveredMonth.objects.create(delivery=delivery, month=month.following.first_day, error="The disk is full.")
    [told] = api.get(DELIVERIES).json()["items"]
    assert (told["url"], told["formats"], told["firstMonth"]) == (f"file://{tmp_path}", ["csv"], "2025-03")
    waiting, delivered = told["months"]
    assert waiting == {"month": "2025-04", "state": "PENDING", "error": "The disk is full."}
    [file] = delivered["files"]
    content = (tmp_path / str(customer.account.pk) / "2025-03" / file["name"]).read_bytes()
    assert (file["bytes"], file["sha256"]) == (str(len(content)), hashlib.sha256(content).hexdigest())
    assert client_of(Customer(make_cluster).account).get(DELIVERIES).json() == {"items": []}


def test_strangers_and_wrong_verbs_are_refused(api: ApiClient):
    assert api.request("GET", EXPORTS, authorization="").status_code == 401
    assert api.put(EXPORTS, {}).status_code == 501
