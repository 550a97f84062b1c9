"""Bodies that are too long for the console are refused while they come in."""

import asyncio

import pytest

from cloudconsole.body_limit import MAX_BODY_BYTES, BodyLimit

CHUNK = b"x" * 65536


async def reading_application(scope, receive, send):
    """Reads the whole body, as Django does, then answers how long it was."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def answer_to(chunks) -> tuple[int, int]:
    """Status of the answer, and how many chunks had been taken by then."""
    taken, sent = 0, []

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": CHUNK, "more_body": chunks is None or taken < chunks}

    async def send(message):
        sent.append(message)

    asyncio.run(BodyLimit(reading_application)({"type": "http", "method": "POST", "path": "/"}, receive, send))
    return sent[0]["status"], taken


def test_a_body_up_to_the_limit_is_read():
    assert answer_to(MAX_BODY_BYTES // len(CHUNK)) == (200, MAX_BODY_BYTES // len(CHUNK))


@pytest.mark.parametrize("chunks", [MAX_BODY_BYTES // len(CHUNK) + 1, None], ids=["too long", "endless"])
def test_a_longer_body_is_refused_as_soon_as_it_is_too_long(chunks):
    assert answer_to(chunks) == (413, MAX_BODY_BYTES // len(CHUNK) + 1)
