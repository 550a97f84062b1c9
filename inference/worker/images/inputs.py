"""What the text of an image input is: an address, a data URL, or base64."""

import binascii
import re

from inference.fetcher.limits import LARGEST_IMAGE
from inference.worker.images.problems import BadImage

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.IGNORECASE)
_LONGEST_BASE64 = (LARGEST_IMAGE + 2) // 3 * 4


def is_address(text: str) -> bool:
    """Whether the image has to be fetched. Base64 has no colon, so whatever begins like a scheme is not base64."""
    return _SCHEME.match(text) is not None and text[:5].lower() != "data:"


def from_text(text: str) -> bytes:
    """The bytes in a data URL or in base64. Raises ``BadImage``."""
    start = 0
    if text[:5].lower() == "data:":
        head = _DATA_URL.match(text)
        if head is None:
            raise BadImage('The data URL does not begin with "data:image/<format>;base64,".')
        start = head.end()
    length = len(text) - start
    if length > _LONGEST_BASE64:
        raise BadImage(f"The image is larger than {LARGEST_IMAGE // (1024 * 1024)} MB.")
    if length == 0:
        raise BadImage("The image is empty.")
    try:
        if length % 4 or text.endswith("==="):  # the strict mode overlooks padding where none belongs
            raise ValueError("wrong padding")
        return binascii.a2b_base64(text[start:].encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise BadImage("The image is neither an address nor valid base64.") from error
