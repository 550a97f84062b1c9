"""Clients that cost as little as possible, so that what is measured is the server: raw bytes in, raw bytes out."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

Ask = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Target:
    """Where requests go: ``transport`` is "rest" or "grpc"; ``address`` is a socket's path, or host:port."""

    name: str
    transport: str
    address: str
    api_key: str = ""


@dataclass(frozen=True)
class Request:
    """One kind of request in both transports; ``rest`` and ``grpc`` are paths."""

    method: str
    rest: str
    grpc: str


@dataclass(frozen=True)
class Measured:
    """Answers per second, and the seconds that each took, in order of size."""

    rate: float
    seconds: list[float]

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))] * 1000


async def connect(target: Target, request: Request) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    """A connection of its own: the function that sends a body and reads its answer, and one that closes it."""
    return await (_connect_rest if target.transport == "rest" else _connect_grpc)(target, request)


async def _connect_rest(target: Target, request: Request) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    if target.address.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(target.address)
    else:
        host, port = target.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{request.method} {request.rest} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"api-key: {target.api_key}\r\n" if target.api_key else ""

    async def ask(body: bytes) -> None:
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        content = await reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r\n")[0]))
        if not answer.startswith(b"http/1.1 200"):
            raise AssertionError(content)

    async def close() -> None:
        writer.close()
        await writer.wait_closed()

    return ask, close


async def _connect_grpc(target: Target, request: Request) -> tuple[Ask, Callable[[], Awaitable[None]]]:
    address = f"unix:{target.address}" if target.address.startswith("/") else target.address
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channel = grpc.aio.insecure_channel(address, options)
    call: Any = channel.unary_unary(request.grpc)
    metadata = (("api-key", target.api_key),) if target.api_key else ()

    async def ask(body: bytes) -> None:
        await call(body, metadata=metadata)

    return ask, channel.close


async def measure(target: Target, request: Request, bodies: list[bytes], clients: int, seconds: float) -> Measured:
    """What a number of clients see who ask one after the other for some seconds, or until the bodies have run out.

    ``seconds`` of 0 means until they have run out; otherwise they are sent again and again.
    """
    remaining = iter(bodies) if not seconds else itertools.cycle(bodies)
    connections = [await connect(target, request) for _ in range(clients)]
    started = time.perf_counter()
    deadline = started + seconds if seconds else float("inf")
    tasks = [_ask_on(ask, remaining, deadline) for ask, _ in connections]
    taken = sorted(itertools.chain.from_iterable(await asyncio.gather(*tasks)))
    passed = time.perf_counter() - started
    for _, close in connections:
        await close()
    return Measured(len(taken) / passed, taken)


async def measure_alternately(targets: list[Target], request: Request, bodies: list[bytes]) -> list[Measured]:
    """One client that sends each body to every target in turn: what disturbs the machine disturbs all alike."""
    connections = [await connect(target, request) for target in targets]
    taken: list[list[float]] = [[] for _ in targets]
    for number, body in enumerate(bodies):
        for position in range(len(targets)):
            turn = (position + number) % len(targets)
            started = time.perf_counter()
            await connections[turn][0](body)
            taken[turn].append(time.perf_counter() - started)
    for _, close in connections:
        await close()
    return [Measured(len(times) / sum(times), sorted(times)) for times in taken]


async def _ask_on(ask: Ask, bodies: Iterator[bytes], deadline: float) -> list[float]:
    taken = []
    for body in bodies:
        started = time.perf_counter()
        if started > deadline:
            break
        await ask(body)
        taken.append(time.perf_counter() - started)
    return taken
