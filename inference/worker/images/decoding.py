"""Image files of strangers to pictures: known formats only, measured before they are decoded, one frame."""

import io
import warnings

from PIL import Image

from inference.worker.images.problems import BadImage

# Formats by the names of Pillow. Others are never tried: some of them run programs or read further files.
FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "GIF": "GIF", "BMP": "BMP"}
MOST_PIXELS = 25_000_000
# The shorter side is brought to the model's size, so a line of pixels would grow into a huge picture.
MOST_TIMES_LONGER = 100

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


def _too_large() -> str:
    return f"The image has more than {MOST_PIXELS // 1_000_000} million pixels."
