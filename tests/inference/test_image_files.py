"""Files and texts that are no picture, or too much of one, are refused before they cost anything."""

import psutil
import pytest

from inference.worker.images import inputs
from inference.worker.images.decoding import MOST_PIXELS, decode
from inference.worker.images.problems import BadImage
from tests.inference.pictures import BOMBS, NOT_PICTURES, picture, scan_bomb, text


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_what_is_no_whole_picture_of_a_known_format_is_refused(name: str) -> None:
    with pytest.raises(BadImage, match="damaged or not a JPEG, PNG, WebP, GIF or BMP file"):
        decode(NOT_PICTURES[name])


@pytest.mark.parametrize("name", BOMBS)
def test_pictures_too_large_to_decode_are_refused_by_their_head(name: str) -> None:
    before = psutil.Process().memory_info().rss
    with pytest.raises(BadImage, match="more than 25 million pixels"):
        decode(BOMBS[name])
    assert psutil.Process().memory_info().rss - before < 10_000_000


def test_a_jpeg_that_goes_over_its_pixels_again_and_again_is_refused() -> None:
    for scans in (41, 5_000):
        with pytest.raises(BadImage, match="more than 50 scans"):
            decode(scan_bomb(scans))
    assert decode(scan_bomb(40)).size == (2000, 2000)
    # What follows the picture (a film, for some cameras) is not counted.
    assert decode(picture("JPEG") + b"\xff\xda" * 100).size == (60, 40)
    assert decode(picture("MPO", save_all=True)).size == (60, 40)


def test_the_largest_picture_is_taken_and_a_line_is_not() -> None:
    assert decode(picture(size=(5000, MOST_PIXELS // 5000), colour="red")).size == (5000, 5000)
    for size in ((101, 1), (1, 101), (20_000, 100)):
        with pytest.raises(BadImage, match="over 100 times"):
            decode(picture(size=size, colour="red"))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("", "empty"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png,abcd", "does not begin with"),
        ("data:text/html;base64," + text(picture()), "does not begin with"),
        ("data:;base64," + text(picture()), "does not begin with"),
        ("data:image/png;charset=utf-8;base64," + text(picture()), "does not begin with"),
        ("data:image/png;base64, " + text(picture()), "base64"),
        ("/etc/passwd", "base64"),
        ("../secret.png", "base64"),
        (text(picture())[:-1], "base64"),
        (text(picture()) + "====", "base64"),
        ("QUJD==", "base64"),
        (text(picture())[:76] + "\n" + text(picture())[76:], "base64"),
        (text(b"\xff\xff\xfe" * 9).replace("/", "_"), "base64"),
        ("ÀÁ==", "base64"),
        ("A" * (14 * 1024 * 1024), "larger than 10 MB"),
    ],
)
def test_text_that_is_no_image_is_refused(image: str, said: str) -> None:
    assert not inputs.is_address(image)
    with pytest.raises(BadImage, match=said):
        inputs.from_text(image)


@pytest.mark.parametrize(
    "image", ["https://a.example/b", "HTTP://a", "file:///etc/passwd", "gopher:x", "javascript:1", "c:\\windows"]
)
def test_whatever_begins_like_a_scheme_is_an_address(image: str) -> None:
    assert inputs.is_address(image)
