"""The console's handler: requests share threads, and threads keep their connections to the database."""

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from cloudconsole.asgi_handler import MOST_KEPT_THREADS, SynchronousHandler
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = MOST_KEPT_THREADS + 4
_all_here = threading.Barrier(AT_ONCE)
_started, _go_on = threading.Event(), threading.Event()


def where(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return JsonResponse({"thread": threading.get_ident(), "backend": cursor.fetchone()[0]})


def together(request: HttpRequest) -> JsonResponse:
    answer = where(request)
    _all_here.wait(timeout=30)
    return answer


def slow(request: HttpRequest) -> JsonResponse:
    _started.set()
    _go_on.wait(timeout=30)
    return where(request)


urlpatterns = [path("where", where), path("together", together), path("slow", slow)]


@pytest.fixture
def handler(settings: object) -> Iterator[SynchronousHandler]:
    settings.ROOT_URLCONF = __name__
    yield SynchronousHandler()
    end_other_sessions()


def end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid, 30000) {_OTHERS}")


def other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_OTHERS}")
        found: int = cursor.fetchone()[0]
    return found


_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def ask(handler: SynchronousHandler, *paths: str) -> list[dict[str, int]]:
    """Of all these at once."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(handler), base_url="http://testserver") as client:
        answers = await asyncio.gather(*(client.get(path) for path in paths))
    return [answer.raise_for_status().json() for answer in answers]


def test_requests_after_one_another_share_a_thread_and_its_connection(handler: SynchronousHandler) -> None:
    async def several() -> list[dict[str, int]]:
        return [(await ask(handler, "/where"))[0] for _ in range(3)]

    first, *others = asyncio.run(several())
    assert first["thread"] != threading.get_ident()
    assert others == [first, first]


def test_of_many_requests_at_once_few_threads_and_connections_stay(handler: SynchronousHandler) -> None:
    there = asyncio.run(ask(handler, *["/together"] * AT_ONCE))
    assert len({answer["thread"] for answer in there}) == len({answer["backend"] for answer in there}) == AT_ONCE
    wait_until(lambda: other_sessions() == MOST_KEPT_THREADS, seconds=30, what="the others have closed theirs")
    [later] = asyncio.run(ask(handler, "/where"))
    assert later in there


def test_a_connection_that_ended_meanwhile_is_replaced(handler: SynchronousHandler) -> None:
    [before] = asyncio.run(ask(handler, "/where"))
    end_other_sessions()
    [after] = asyncio.run(ask(handler, "/where"))
    assert (after["thread"], after["backend"] == before["backend"]) == (before["thread"], False)


def test_a_thread_is_busy_until_its_view_ends_even_when_the_client_has_left(handler: SynchronousHandler) -> None:
    async def leave() -> tuple[bool, dict[str, int]]:
        body_is_read = False
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/slow",
            "headers": [(b"host", b"testserver")],
            "query_string": b"",
        }

        async def receive() -> dict[str, str]:
            nonlocal body_is_read
            if not body_is_read:
                body_is_read = True
                return {"type": "http.request"}
            await asyncio.to_thread(_started.wait, 30)
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            raise AssertionError("nobody is there any more")

        left = asyncio.create_task(handler(scope, receive, send))
        [meanwhile] = await ask(handler, "/where")
        busy = not left.done()
        _go_on.set()
        await left
        return busy, meanwhile

    busy, meanwhile = asyncio.run(leave())
    assert busy
    answers = asyncio.run(ask(handler, "/where", "/where"))
    assert meanwhile in answers
    assert answers[0]["thread"] != answers[1]["thread"]
