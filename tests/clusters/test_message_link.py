"""The link between gateway and node: many requests at once, whole messages, and an end that is noticed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from clusters.message_link import Link, LinkAnswer, LinkBroken, LinkServer


def over_link(tmp_path: Path, answer: Callable[[str, bytes], Awaitable[LinkAnswer]], use: Callable[[Link], Awaitable]):
    """What ``use`` does with a link to a server that answers so."""

    async def run() -> None:
        socket = str(tmp_path / "node.link")
        connections: list[LinkServer] = []

        def connected() -> LinkServer:
            connections.append(LinkServer(answer))
            return connections[-1]

        async with await asyncio.get_running_loop().create_unix_server(connected, socket):
            link = await Link.open(socket)
            await use(link)
            link.close()

    asyncio.run(run())


async def echo(path: str, message: bytes) -> LinkAnswer:
    return LinkAnswer(5 if path == "/refused" else 0, f"no {path}", message[::-1])


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_messages_arrive_whole_in_both_directions(tmp_path: Path, size: int) -> None:
    message = (bytes(range(256)) * (size // 256 + 1))[:size]

    async def use(link: Link) -> None:
        assert await link.call("/ok", message, 30) == LinkAnswer(0, "no /ok", message[::-1])
        assert await link.call("/refused", message, 30) == LinkAnswer(5, "no /refused", message[::-1])

    over_link(tmp_path, echo, use)


def test_answers_come_in_any_order(tmp_path: Path) -> None:
    may_answer = asyncio.Event()

    async def answer(path: str, message: bytes) -> LinkAnswer:
        if path == "/slow":
            await may_answer.wait()
        return LinkAnswer(0, "", message)

    async def use(link: Link) -> None:
        slow = asyncio.ensure_future(link.call("/slow", b"slow", 30))
        quick = await asyncio.gather(*(link.call("/quick", bytes([number]), 30) for number in range(100)))
        assert [one.message for one in quick] == [bytes([number]) for number in range(100)]
        assert not slow.done()
        may_answer.set()
        assert (await slow).message == b"slow"

    over_link(tmp_path, answer, use)


def test_an_answer_that_nobody_waits_for_any_more_is_dropped(tmp_path: Path) -> None:
    may_answer = asyncio.Event()

    async def answer(path: str, message: bytes) -> LinkAnswer:
        await may_answer.wait()
        return LinkAnswer(0, "", message)

    async def use(link: Link) -> None:
        with pytest.raises(TimeoutError):
            await link.call("/a", b"a", 0.01)
        may_answer.set()
        assert (await link.call("/b", b"b", 30)).message == b"b"

    over_link(tmp_path, answer, use)


@pytest.mark.parametrize(
    ("how", "error"), [("closed", LinkBroken), ("cancelled", asyncio.CancelledError), ("late", TimeoutError)]
)
def test_work_whose_caller_leaves_is_given_up(tmp_path: Path, how: str, error: type[BaseException]) -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def answer(path: str, message: bytes) -> LinkAnswer:
        if path == "/long":
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return LinkAnswer(0, "", message)

    async def use(link: Link) -> None:
        asking = asyncio.ensure_future(link.call("/long", b"", 0.01 if how == "late" else 30))
        await begun.wait()
        if how == "closed":
            link.close()
        elif how == "cancelled":
            asking.cancel()
        async with asyncio.timeout(30):
            await given_up.wait()
        with pytest.raises(error):
            await asking
        if how != "closed":
            assert (await link.call("/short", b"b", 30)).message == b"b"

    over_link(tmp_path, answer, use)


@pytest.mark.parametrize("farewell", [False, True])
def test_a_link_whose_other_end_goes_fails_what_is_under_way(tmp_path: Path, farewell: bool) -> None:
    """After a farewell it is certain that the other end never began with it."""
    servers: list[LinkServer] = []

    async def run() -> None:
        async def answer(_path: str, _message: bytes) -> LinkAnswer:
            if farewell:
                servers[0].say_farewell()
            servers[0]._transport.close()
            return LinkAnswer(0, "", b"")

        def connected() -> LinkServer:
            servers.append(LinkServer(answer))
            return servers[-1]

        socket = str(tmp_path / "node.link")
        async with await asyncio.get_running_loop().create_unix_server(connected, socket):
            link = await Link.open(socket)
            with pytest.raises(LinkBroken) as broken:
                await link.call("/a", b"", 30)
            assert link.closed
            assert broken.value.not_begun == farewell

    asyncio.run(run())


def test_where_nobody_listens_there_is_no_link(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(Link.open(str(tmp_path / "nobody.link")))
