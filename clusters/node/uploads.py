"""Files that clients send: the one part of a multipart form, written to disk as it arrives."""

from collections.abc import AsyncIterator
from email.message import Message
from typing import BinaryIO

from clusters.node.errors import FormatError

_PLACE = "multipart body"
_LARGEST_HEAD = 16 * 1024  # bytes before the file's first


async def receive_file(content_type: str, chunks: AsyncIterator[bytes], out: BinaryIO) -> None:
    """Write the file of a form that holds one, named ``snapshot``; raises FormatError for anything else."""
    boundary = _boundary(content_type)
    end = b"\r\n--" + boundary
    buffer, in_file = b"", False
    async for chunk in chunks:
        buffer += chunk
        if not in_file:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if not found:
                if len(buffer) > _LARGEST_HEAD:
                    break
                continue
            _check_head(head, boundary)
            buffer, in_file = rest, True
        content, found, _ = buffer.partition(end)
        if found:
            out.write(content)
            async for _ in chunks:
                pass  # what follows the file
            return
        keep = max(len(buffer) - len(end) + 1, 0)  # the end may arrive in two pieces
        out.write(buffer[:keep])
        buffer = buffer[keep:]
    raise FormatError("it ends before the file does", _PLACE)


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise FormatError("a multipart/form-data body with a boundary is expected", _PLACE)
    return boundary.encode()


def _check_head(head: bytes, boundary: bytes) -> None:
    lines = head.split(b"\r\n")
    disposition = next((line for line in lines if line.lower().startswith(b"content-disposition:")), b"")
    if lines[0] != b"--" + boundary or b'name="snapshot"' not in disposition:
        raise FormatError("the first part must be a file named `snapshot`", _PLACE)
