"""Bodies that are too long for the console are refused while they come in."""

import asyncio
from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from cloudconsole.body_limit import MAX_BODY_BYTES, BodyLimit, Uploads
from cloudconsole.web.signed_in import has_signed_in
from inference.imports.urls import UPLOAD_PATH

CHUNK = b"x" * 65536
UPLOADS = Uploads(UPLOAD_PATH, 2 * MAX_BODY_BYTES, has_signed_in)
UPLOAD = f"/clusters/{uuid4()}/inference/imports"


async def reading_application(scope, receive, send):
    """Reads the whole body, as Django does, then answers how long it was."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def answer_to(chunks, *, method="POST", path="/", cookie="") -> tuple[int, int]:
    """Status of the answer, and how many chunks had been taken by then."""
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"cookie", cookie.encode())]}
    taken, sent = 0, []

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": CHUNK, "more_body": chunks is None or taken < chunks}

    async def send(message):
        sent.append(message)

    asyncio.run(BodyLimit(reading_application, UPLOADS)(scope, receive, send))
    return sent[0]["status"], taken


def test_a_body_up_to_the_limit_is_read():
    assert answer_to(MAX_BODY_BYTES // len(CHUNK)) == (200, MAX_BODY_BYTES // len(CHUNK))


@pytest.mark.parametrize("chunks", [MAX_BODY_BYTES // len(CHUNK) + 1, None], ids=["too long", "endless"])
def test_a_longer_body_is_refused_as_soon_as_it_is_too_long(chunks):
    assert answer_to(chunks) == (413, MAX_BODY_BYTES // len(CHUNK) + 1)


@pytest.mark.django_db(transaction=True)  # the session is looked for on a connection of its own
def test_only_who_has_signed_in_may_send_a_large_file_and_only_to_where_files_go(django_user_model):
    larger, too_large = MAX_BODY_BYTES // len(CHUNK) + 1, 2 * MAX_BODY_BYTES // len(CHUNK) + 1
    visitor = SessionStore()
    visitor.create()
    client = Client()
    client.force_login(django_user_model.objects.create_user(email="owner@acme.example", password="long enough"))
    signed_in = f"theme=dark; sessionid={client.cookies['sessionid'].value}"
    assert answer_to(larger, path=UPLOAD, cookie=signed_in) == (200, larger)
    assert answer_to(None, path=UPLOAD, cookie=signed_in) == (413, too_large)
    for cookie in ("", "sessionid=made-up", f"sessionid={visitor.session_key}", "session id=\x00; ;"):
        assert answer_to(None, path=UPLOAD, cookie=cookie) == (413, larger)
    assert answer_to(None, path=f"{UPLOAD}/elsewhere", cookie=signed_in) == (413, larger)
    assert answer_to(None, method="PUT", path=UPLOAD, cookie=signed_in) == (413, larger)
    client.logout()
    assert answer_to(None, path=UPLOAD, cookie=signed_in) == (413, larger)
