"""The images of one request, made ready for the model: fetched, decoded, in its size; each different one once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from inference.worker.images import inputs
from inference.worker.images.decoding import decode
from inference.worker.images.fetching import FetcherProcess
from inference.worker.images.problems import BadImage
from inference.worker.protocol import InferenceError

if TYPE_CHECKING:
    from inference.worker.families.image import ImageModel, PreparedImage

MOST_IMAGES = 100
# Of the fetcher's places, so that one request's slow addresses leave some for the others.
_AT_ONCE = 8
_NOT_FETCHED = "The image's address cannot be fetched: this worker is offline. Send the image itself as base64."


class ImagePreparation:
    """Belongs to one event loop. Without a ``fetcher`` addresses are refused."""

    def __init__(self, fetcher: FetcherProcess | None) -> None:
        self._fetcher = fetcher
        # One: a picture of the largest size takes some 200 MB while it is decoded.
        self._decoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode")

    async def prepare(self, model: "ImageModel", texts: list[str]) -> "list[PreparedImage]":
        """The images in the order of ``texts`` (addresses, data URLs, base64).

        Raises ``InferenceError``: 400 names the first input found to be bad, and the others are given up.
        """
        if len(texts) > MOST_IMAGES:
            sentence = f"The request has {len(texts)} images; a request takes at most {MOST_IMAGES}."
            raise InferenceError(400, "invalid_input", sentence)
        places = asyncio.Semaphore(_AT_ONCE)
        first = {text: index for index, text in reversed(list(enumerate(texts)))}
        tasks = {
            text: asyncio.ensure_future(self._one(model, text, first[text], places)) for text in dict.fromkeys(texts)
        }
        try:
            await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
        return [tasks[text].result() for text in texts]

    def close(self) -> None:
        """Stop, after what is being decoded right now."""
        self._decoding.shutdown(wait=False, cancel_futures=True)
        if self._fetcher is not None:
            self._fetcher.close()

    async def _one(self, model: "ImageModel", text: str, index: int, places: asyncio.Semaphore) -> "PreparedImage":
        try:
            async with places:
                source: str | bytes = await self._fetch(text) if inputs.is_address(text) else text
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._decoding, _picture, model, source)
        except BadImage as problem:
            raise InferenceError(400, "invalid_input", f"Input {index}: {problem}") from problem

    async def _fetch(self, address: str) -> bytes:
        if self._fetcher is None:
            raise BadImage(_NOT_FETCHED)
        return await self._fetcher.fetch(address)


def _picture(model: "ImageModel", source: str | bytes) -> "PreparedImage":
    data = inputs.from_text(source) if isinstance(source, str) else source
    return model.prepare(decode(data))
