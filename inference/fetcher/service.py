"""The fetcher's process: gives up its rights, then answers requests until its socket is closed.

Both ways a message is one line of JSON. A request is ``{"id", "url"}``, or ``{"id"}`` to give one up; an answer is
``{"id", "size"}`` followed by so many bytes, or ``{"id", "problem": "refused"|"failed"}``.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import pwd
import resource
import socket
import sys
from collections.abc import Callable

import orjson
from yarl import URL

from cloudconsole.lifeline import die_with_parent
from inference.fetcher.addresses import LONGEST_URL, AddressRefused
from inference.fetcher.fetching import Fetcher

_MEMORY = 1024 * 1024 * 1024  # of address space: twice what all fetches at once could need
_OPEN_FILES = 128
_NOBODY = 65534
_PR_SET_NO_NEW_PRIVS = 38  # <linux/prctl.h>
# A URL's characters may take six bytes each in JSON.
_LONGEST_LINE = 8 * LONGEST_URL


def run(make: Callable[[], Fetcher]) -> None:
    """Serve the worker until it goes. ``make`` is called with all rights still there, to read certificates."""
    asyncio.run(_run(make))


async def _run(make: Callable[[], Fetcher]) -> None:
    fetcher = make()
    _load_late_modules()
    _give_up_rights()
    die_with_parent()  # after the change of user, which makes the kernel forget it
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=0), limit=_LONGEST_LINE)
    running: dict[int, asyncio.Task[None]] = {}
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            request = orjson.loads(line)
            number, url = request["id"], request.get("url")
            if url is None:
                if number in running:
                    running[number].cancel()
            else:
                running[number] = asyncio.create_task(_answer(fetcher, number, url, writer))
                running[number].add_done_callback(functools.partial(_forget, running, number))
    for task in running.values():
        task.cancel()
    await fetcher.close()


def _forget(running: dict[int, asyncio.Task[None]], number: int, _: asyncio.Task[None]) -> None:
    del running[number]


async def _answer(fetcher: Fetcher, number: int, url: str, writer: asyncio.StreamWriter) -> None:
    try:
        body = await fetcher.fetch(url)
    except Exception as error:  # whatever strangers' servers provoke fails their own fetch only
        problem = "refused" if isinstance(error, AddressRefused) else "failed"
        writer.write(orjson.dumps({"id": number, "problem": problem}) + b"\n")
    else:
        # Without a pause in between, so that answers do not mix.
        writer.write(orjson.dumps({"id": number, "size": len(body)}) + b"\n")
        writer.write(body)


def _load_late_modules() -> None:
    """Have imported what the first names would import otherwise: by then the files may be out of reach."""
    name = "bücher.example"
    name.encode("idna")
    URL(f"https://{name}/")


def _give_up_rights() -> None:
    """Become nobody where this process may, write no files, and stay within bounds."""
    for limit, value in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError):  # the limit is lower already
            resource.setrlimit(limit, (value, value))
    os.chdir("/")
    if os.geteuid() == 0:
        try:
            nobody = pwd.getpwnam("nobody").pw_uid
        except KeyError:
            nobody = _NOBODY
        with contextlib.suppress(PermissionError):  # a root without the right to become somebody else
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(nobody, nobody, nobody)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
