"""One call to a provider: sent again with growing pauses while that may help, and never a key in what is said."""

import asyncio
import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from inference.worker.protocol import InferenceError

_PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds between attempts, unless the provider names its own
_LONGEST_WAIT = 3600  # seconds; what a caller is told at most
_CONNECT_SECONDS = 5
_CONNECTIONS = 64  # to one provider; a slow one does not take those of the others
_LARGEST_ANSWER = 128 * 1024 * 1024
_LONGEST_SENTENCE = 500
_random = random.SystemRandom()


class _Passing(Exception):
    """A failure that may pass: what to say if it does not, and the seconds that the provider asks to wait."""

    def __init__(self, failure: InferenceError, wait: float | None = None) -> None:
        self.failure = failure
        self.wait = wait


class Calls:
    """Kept-alive connections to the providers. Belongs to the event loop it is first used on."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, vendor: str, url: str, key: str, body: Mapping[str, Any], deadline: float) -> Any:
        """The parsed answer of the provider called ``vendor``, at the latest at ``deadline`` (the loop's time).

        Raises ``InferenceError``: 400 with the provider's sentence when it refuses the request or the key, 429 when
        it is asked too often, 503 when it fails or does not answer.
        """
        content = orjson.dumps(body)
        for pause in (*_PAUSES, None):
            try:
                return await self._attempt(vendor, url, key, content, deadline)
            except _Passing as passing:
                failure, wait = passing.failure, passing.wait
            if wait is None and pause is not None:
                wait = pause * _random.uniform(0.75, 1.25)  # callers that were refused together come back apart
            if pause is None or wait is None or asyncio.get_running_loop().time() + wait >= deadline:
                raise failure
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt has no pause")

    async def _attempt(self, vendor: str, url: str, key: str, content: bytes, deadline: float) -> Any:
        # Nothing of aiohttp's errors is passed on: their details hold the request's headers, and so the key.
        try:
            async with asyncio.timeout_at(deadline):
                status, retry_after, answer = await self._send(url, key, content)
        except TimeoutError:
            raise _Passing(_unavailable(f"{vendor} did not answer in time.")) from None
        except (aiohttp.ClientError, OSError):
            raise _Passing(_unavailable(f"{vendor} cannot be reached right now.")) from None
        if status == 200:
            try:
                return orjson.loads(answer)
            except orjson.JSONDecodeError:
                raise _unavailable(f"{vendor} answered with something that is not JSON.") from None
        said = _said(answer, key)
        if status == 429:
            wait = min(retry_after if retry_after is not None else 1.0, _LONGEST_WAIT)
            sentence = f"{vendor} takes no more requests with this key right now{said}"
            raise _Passing(InferenceError(429, "provider_busy", sentence, max(1, math.ceil(wait))), retry_after)
        if 400 <= status < 500:
            raise InferenceError(400, "provider_refused", f"{vendor} refused the request (status {status}){said}")
        raise _Passing(_unavailable(f"{vendor} failed (status {status}){said}", retry_after), retry_after)

    async def _send(self, url: str, key: str, content: bytes) -> tuple[int, float | None, bytes]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        # A redirect would carry the key to another address.
        async with self._connected().post(url, data=content, headers=headers, allow_redirects=False) as response:
            answer = bytearray()
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > _LARGEST_ANSWER:
                    raise aiohttp.ClientPayloadError
            return response.status, _seconds(response.headers.get("Retry-After", "")), bytes(answer)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=_CONNECTIONS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _unavailable(sentence: str, retry_after: float | None = None) -> InferenceError:
    wait = min(max(1, math.ceil(retry_after or 1)), _LONGEST_WAIT)
    return InferenceError(503, "provider_unavailable", sentence, wait)


def _seconds(retry_after: str) -> float | None:
    """The seconds in a Retry-After header, which holds them or a date; None when it holds neither."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _said(answer: bytes, key: str) -> str:
    """``: `` and the provider's own sentence without the key, or a full stop when there is none."""
    try:
        sentence = _sentence_in(orjson.loads(answer))
    except orjson.JSONDecodeError:
        sentence = None
    if not sentence:
        return "."
    words = ["[key]" if _shows(word, key) else word for word in sentence.replace(key, "[key]").split()]
    return f": {' '.join(words)[:_LONGEST_SENTENCE]}"


def _shows(word: str, key: str) -> bool:
    """Whether a word is the key with its middle left out, as some providers quote it."""
    return any(gap in word for gap in ("*", "..", "…")) and (key[:3] in word or key[-3:] in word)


def _sentence_in(answer: Any) -> str | None:
    """OpenAI and OpenRouter: ``error.message``; Cohere: ``message``; Jina: ``detail``, or a list of them."""
    while not isinstance(answer, str):
        if isinstance(answer, list) and answer:
            answer = answer[0]
        elif isinstance(answer, dict):
            answer = next((answer[name] for name in ("error", "message", "detail", "msg") if answer.get(name)), None)
        else:
            return None
    return answer
