"""Picture files for tests: small honest ones, and some that only pretend."""

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def picture(
    format: str = "PNG",
    size: tuple[int, int] = (60, 40),
    mode: str = "RGB",
    colour: Any = None,
    **options: Any,
) -> bytes:
    """A file with coloured noise, or with one colour."""
    if colour is None:
        noise = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        image = Image.fromarray(noise).convert(mode)
    else:
        image = Image.new(mode, size, colour)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def animation(format: str) -> bytes:
    """Two frames: the usual noise, then red."""
    frames = [Image.open(io.BytesIO(picture())), Image.new("RGB", (60, 40), "red")]
    file = io.BytesIO()
    options = {"lossless": True} if format == "WEBP" else {}
    frames[0].save(file, format, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A few kilobytes that say they are so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000), 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def webp_bomb(width: int, height: int) -> bytes:
    """An extended WebP file whose canvas is said to be so large."""
    flags = bytes([0x02, 0, 0, 0])  # animated
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    frame = picture("WEBP", lossless=True)[12:]
    place = bytes(6) + (59).to_bytes(3, "little") + (39).to_bytes(3, "little") + (100).to_bytes(3, "little") + b"\0"
    chunks = [(b"VP8X", flags + canvas), (b"ANIM", bytes(6)), (b"ANMF", place + frame)]
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_bomb(width: int, height: int, frame: tuple[int, int] = (60, 40)) -> bytes:
    """A GIF whose screen and frame are said to be so large."""
    small = picture("GIF")
    at = small.index(b"\x2c" + bytes(4)) + 5
    return b"GIF89a" + struct.pack("<HH", width, height) + small[10:at] + struct.pack("<HH", *frame) + small[at + 4 :]


def bmp_bomb(width: int, height: int) -> bytes:
    """A BMP that says it is so large."""
    small = bytearray(picture("BMP"))
    small[18:26] = struct.pack("<ii", width, height)
    return bytes(small)


def scan_bomb(scans: int) -> bytes:
    """A JPEG that goes over its pixels so many times more than it needs to."""
    honest = picture("JPEG", size=(2000, 2000), colour="red", progressive=True)
    last = honest[honest.rindex(b"\xff\xda") : -2]
    return honest[:-2] + last * scans + honest[-2:]


def text(data: bytes) -> str:
    """A file as it stands in a request."""
    return base64.b64encode(data).decode()


PNG, JPEG, WEBP, GIF, BMP = (picture(format) for format in ("PNG", "JPEG", "WEBP", "GIF", "BMP"))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(/etc/passwd) (r) file\nshowpage\n%%EOF"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>'
NOT_PICTURES = {
    "nothing": b"\0",
    "text": b"hello",
    "html": b"<html><img src=x></html>",
    "svg": SVG,
    "eps": EPS,
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
    "tiff": picture("TIFF"),
    "ico": picture("ICO"),
    "jpeg 2000": picture("JPEG2000"),
    "ppm": picture("PPM"),
    "tga": picture("TGA"),
    "half a png": PNG[: len(PNG) // 2],
    "half a jpeg": JPEG[: len(JPEG) // 2],
    "half a webp": WEBP[: len(WEBP) // 2],
    "half a gif": GIF[: len(GIF) // 2],
    "half a bmp": BMP[: len(BMP) // 2],
    "a png's head": PNG[:33],
    "script that begins like a gif": b"GIF89a/*" + b" " * 40 + b"*/=1;alert(1)//",
    "eps that begins like a png": PNG[:8] + EPS,
    "zip that begins like a jpeg": JPEG[:20] + b"PK\x03\x04" + bytes(500),
    "svg that begins like a webp": WEBP[:16] + SVG,
    "bmp that says it is a png": PNG[:8] + BMP,
}
BOMBS = {
    "png, a little too large": png_bomb(5001, 5000),
    "png": png_bomb(50_000, 50_000),
    "png, as large as can be said": png_bomb(2**31 - 1, 2**31 - 1),
    "webp": webp_bomb(16_383, 16_383),
    "webp, as large as can be said": webp_bomb(2**24, 2**24),
    "gif": gif_bomb(65_535, 65_535),
    "gif with a frame larger than its screen": gif_bomb(1, 1, frame=(65_535, 65_535)),
    "bmp": bmp_bomb(30_000, 30_000),
    "bmp, upside down": bmp_bomb(30_000, -30_000),
}
