"""Images become the vectors that fastembed gives, and bad ones fail with a sentence before anything is computed."""

import asyncio
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from fastembed import ImageEmbedding
from PIL import Image

from inference.catalogue import CATALOGUE
from inference.worker import families
from inference.worker.devices import Devices
from inference.worker.images.decoding import decode
from inference.worker.images.fetching import FetcherProcess
from inference.worker.images.problems import BadImage
from inference.worker.protocol import Embeddings, InferenceError
from tests.inference.conftest import Worker, running_worker
from tests.inference.embedders import offline_store, running_embedder
from tests.inference.image_server import WebServer
from tests.inference.pictures import BOMBS, NOT_PICTURES, animation, picture, text
from tests.inference.tiny_models import write_vision_model
from tests.waiting import wait_until

VISION = CATALOGUE["qdrant/clip-vit-b-32-vision"]
RED = picture(colour="red")
FILES = {
    "jpeg": picture("JPEG", quality=95),
    "png": picture(),
    "png with transparency": picture(mode="RGBA"),
    "grey png": picture(mode="L"),
    "png with a palette": picture(mode="P"),
    "png of 16 bits": picture(mode="I;16", colour=40_000),
    "webp": picture("WEBP"),
    "gif": picture("GIF"),
    "bmp": picture("BMP"),
    "one pixel": picture(size=(1, 1)),
    "large": picture("JPEG", size=(3000, 2000)),
    "narrow": picture(size=(5, 500)),
}


def image_inputs(*images: str, **options: Any) -> list[dict[str, Any]]:
    return [{"data": image, "data_type": "image", "options": options or None} for image in images]


@pytest.fixture(scope="module")
def reference(tiny_models_dir: Path) -> Callable[[bytes], Any]:
    """fastembed itself, called with a file."""
    model = ImageEmbedding(
        VISION.weights.fastembed_id,
        cache_dir=str(tiny_models_dir),
        specific_model_path=str(tiny_models_dir / VISION.name),
    )

    def embed(data: bytes) -> Any:
        return next(iter(model.embed([Image.open(io.BytesIO(data))])))

    return embed


def test_every_format_gets_fastembeds_vector(worker: Worker, reference: Callable[[bytes], Any]) -> None:
    embeddings = worker.embed(VISION.name, "update", image_inputs(*map(text, FILES.values())))
    assert (embeddings.model, embeddings.vector_type) == (VISION.name, "dense")
    for name, vector, data in zip(FILES, embeddings.vectors, FILES.values(), strict=True):
        np.testing.assert_allclose(vector, reference(data), atol=1e-6, err_msg=name)
    assert len({vector.tobytes() for vector in embeddings.vectors}) > 8


def test_an_image_counts_as_its_patches_and_one_and_equal_images_once(worker: Worker) -> None:
    png, jpeg = text(FILES["png"]), text(FILES["jpeg"])
    as_url = f"data:image/png;base64,{png}"
    for kind in ("update", "search"):
        embeddings = worker.embed(
            VISION.name, kind, image_inputs(png, jpeg, png, as_url, text(picture(compress_level=1)))
        )
        assert embeddings.tokens == [50, 50, 0, 0, 0]
        assert embeddings.truncated == [False] * 5
        assert len({vector.tobytes() for vector in embeddings.vectors}) == 2
    assert VISION.tokens_per_image == (224 // 32) ** 2 + 1


def test_of_an_animation_the_first_frame_counts(worker: Worker, reference: Callable[[bytes], Any]) -> None:
    moving = [animation("GIF"), animation("WEBP"), animation("PNG")]
    embeddings = worker.embed(VISION.name, "update", image_inputs(*map(text, moving)))
    for vector, data in zip(embeddings.vectors, moving, strict=True):
        np.testing.assert_allclose(vector, reference(data), atol=1e-6)
    # Both lossless formats hold the very same noise as their first frame.
    np.testing.assert_allclose(embeddings.vectors[1], reference(FILES["png"]), atol=1e-6)
    np.testing.assert_allclose(embeddings.vectors[2], reference(FILES["png"]), atol=1e-6)


def test_more_images_than_fit_a_batch_keep_their_order(worker: Worker, reference: Callable[[bytes], Any]) -> None:
    colours = [(n * 2, 255 - n * 2, n) for n in range(40)]
    files = [picture(colour=colour) for colour in colours]
    embeddings = worker.embed(VISION.name, "update", image_inputs(*map(text, files)))
    np.testing.assert_allclose(embeddings.vectors, [reference(data) for data in files], atol=1e-6)


def test_a_bad_image_fails_its_own_request_only_and_names_its_place(worker: Worker) -> None:
    good, bad = text(RED), text(NOT_PICTURES["html"])

    async def use() -> list[Any]:
        tasks = [
            asyncio.to_thread(worker.embed, VISION.name, "update", image_inputs(*images))
            for images in (
                [good],
                [good, bad],
                [text(FILES["png"])],
                [text(BOMBS["png"])],
                ["http://169.254.169.254/a"],
            )
        ]
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, damaged, second, bomb, refused = asyncio.run(use())
    assert isinstance(first, Embeddings)
    assert isinstance(second, Embeddings)
    for error, said in (
        (damaged, "Input 1: The image is damaged or not a"),
        (bomb, "Input 0: The image has more than 25 million pixels."),
        (refused, "Input 0: The image's address is not allowed."),
    ):
        assert (error.status, error.code) == (400, "invalid_input")
        assert error.sentence.startswith(said)


def test_a_request_takes_a_hundred_images_and_no_cut_vectors(worker: Worker) -> None:
    assert sum(worker.embed(VISION.name, "update", image_inputs(*[text(RED)] * 100)).tokens) == 50
    with pytest.raises(InferenceError, match="has 101 images; a request takes at most 100"):
        worker.embed(VISION.name, "update", image_inputs(*[text(RED)] * 101))
    with pytest.raises(InferenceError, match="Input 0 asks for mrl"):
        worker.embed(VISION.name, "update", image_inputs(text(RED), mrl=64))


def test_an_offline_worker_fetches_no_image(tiny_models_dir: Path) -> None:
    environment = {"INFERENCE_OFFLINE": "1", "INFERENCE_MODELS_DIR": str(tiny_models_dir)}
    with running_worker(**environment) as worker:
        with pytest.raises(InferenceError, match=r"Input 0: .* offline\. Send the image itself as base64\.") as refused:
            worker.embed(VISION.name, "update", image_inputs("https://example.com/cat.jpg"))
        assert refused.value.status == 400
        assert worker.embed(VISION.name, "update", image_inputs(text(RED))).tokens == [50]
        assert psutil.Process(worker.process.pid).children() == []


def test_the_fetcher_comes_with_the_first_address_and_goes_with_the_worker(tiny_models_dir: Path) -> None:
    environment = {"INFERENCE_IMAGE_HTTP": "1", "INFERENCE_OFFLINE": "", "INFERENCE_MODELS_DIR": str(tiny_models_dir)}
    with running_worker(**environment) as worker:
        process = psutil.Process(worker.process.pid)
        worker.embed(VISION.name, "update", image_inputs(text(RED)))
        assert process.children() == []
        for _ in range(2):
            with pytest.raises(InferenceError, match=r"address is not allowed"):
                worker.embed(VISION.name, "update", image_inputs("http://127.0.0.1/"))
        [fetcher] = process.children()
        assert fetcher.cmdline()[-2:] == ["inference.fetcher", "--http"]
    wait_until(lambda: not fetcher.is_running(), seconds=10, what="the fetcher is gone")


def embed_fetching(models: Path, kind: str, *images: str) -> Embeddings:
    """One request to an embedder whose fetcher may connect to 127.0.0.1 and to nothing else."""

    async def run() -> Embeddings:
        fetcher = FetcherProcess(module="tests.inference.loopback_fetcher")
        async with running_embedder(offline_store(models), [VISION], fetcher=fetcher) as embedder:
            return await embedder.embed(VISION.name, kind, image_inputs(*images))

    return asyncio.run(run())


def test_images_by_address_get_the_same_vectors_and_each_address_is_asked_once(
    web: WebServer, tiny_models_dir: Path, reference: Callable[[bytes], Any]
) -> None:
    wanted = [web.url("/picture"), web.url("/other"), web.url("/picture"), text(picture())]
    embeddings = embed_fetching(tiny_models_dir, "update", *wanted)
    np.testing.assert_allclose(embeddings.vectors[0], reference(picture()), atol=1e-6)
    np.testing.assert_allclose(embeddings.vectors[1], reference(picture(colour=(0, 200, 0))), atol=1e-6)
    assert embeddings.tokens == [50, 50, 0, 0]
    assert sorted(web.paths) == ["/other", "/picture"]


def test_one_image_that_cannot_be_fetched_fails_the_request_at_its_first_place(
    web: WebServer, tiny_models_dir: Path
) -> None:
    missing = web.url("/missing")
    with pytest.raises(InferenceError) as refused:
        embed_fetching(tiny_models_dir, "search", web.url("/picture"), missing, missing)
    assert (refused.value.status, refused.value.code) == (400, "invalid_input")
    assert refused.value.sentence == "Input 1: The image could not be fetched from its address."


def test_memory_is_flat_over_many_images(tiny_models_dir: Path) -> None:
    model = families.load(VISION, tiny_models_dir / VISION.name, Devices(threads=1))
    files = [FILES["large"], *BOMBS.values(), *NOT_PICTURES.values()]

    def round_of_all() -> None:
        for data in files:
            try:
                model.run([model.prepare(decode(data))], "update")
            except BadImage:
                continue

    round_of_all()
    tracemalloc.start()
    try:
        before, rss = tracemalloc.get_traced_memory()[0], psutil.Process().memory_info().rss
        for _ in range(5):
            round_of_all()
        assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
        assert psutil.Process().memory_info().rss - rss < 40_000_000
    finally:
        tracemalloc.stop()


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    write_vision_model(tmp_path, width=64)
    with pytest.raises(ValueError, match="64 dimensions, the catalogue says 512"):
        families.load(VISION, tmp_path, Devices(threads=1))
