"""Image files of strangers to pictures: known formats only, measured before they are decoded, one frame."""

import io
import re
import warnings

from PIL import Image

from inference.worker.images.problems import BadImage

# Formats by the names of Pillow. Others are never tried: some of them run programs or read further files.
FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "GIF": "GIF", "BMP": "BMP"}
MOST_PIXELS = 25_000_000
# The shorter side is brought to the model's size, so a line of pixels would grow into a huge picture.
MOST_TIMES_LONGER = 100
# Each scan of a JPEG passes over all pixels, and 42 bytes are enough for one; cameras and programs make about ten.
MOST_SCANS = 50

# A marker that begins a segment with a length; 0xFF stands for other things before 00, 01, D0 to D7, and itself.
_SEGMENT = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_NOT_AN_IMAGE = f"The image is damaged or not a {', '.join(list(FORMATS.values())[:-1])} or {FORMATS['BMP']} file."


def decode(data: bytes | bytearray) -> Image.Image:
    """The first frame of an image file, in full. Raises ``BadImage``; one that is too large is not decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of images this function refuses or takes on purpose
        try:
            image = Image.open(io.BytesIO(data), formats=list(FORMATS))
        except Image.DecompressionBombError:
            raise BadImage(_too_large()) from None
        except Exception as error:  # Pillow's parsers raise whatever their bytes provoke
            raise BadImage(_NOT_AN_IMAGE) from error
        _check_size(*image.size)
        if image.format in ("JPEG", "MPO") and _scans(data) > MOST_SCANS:  # MPO: several JPEGs in one file
            raise BadImage(f"The image has more than {MOST_SCANS} scans.")
        try:
            image.load()
        except Exception as error:
            raise BadImage(_NOT_AN_IMAGE) from error
    return image


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadImage(_too_large())
    if max(width, height) > MOST_TIMES_LONGER * min(width, height):
        raise BadImage(
            f"The image has {width} x {height} pixels: one side is over {MOST_TIMES_LONGER} times the other."
        )


def _scans(data: bytes | bytearray) -> int:
    """The scans of a JPEG file up to its end, which other data may follow; stops counting after ``MOST_SCANS``."""
    scans, at = 0, 2
    while scans <= MOST_SCANS and (marker := _SEGMENT.search(data, at)):
        kind = data[marker.end() - 1]
        if kind == _END_OF_IMAGE:
            break
        scans += kind == _START_OF_SCAN
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _too_large() -> str:
    return f"The image has more than {MOST_PIXELS // 1_000_000} million pixels."
