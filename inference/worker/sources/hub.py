"""Download one model from the hub through fastembed, into a plain folder; run as a program of its own.

A program, because a download in a thread can be neither watched nor stopped, and because the hub's library reads
its settings once, when it is imported.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cloudconsole.lifeline import die_with_parent

EXPECTED_SIZE = "expected-size"  # the file that says how many bytes there will be
DAMAGED = "did not arrive as it was sent"


class Damaged(Exception):
    """A file is not the one that the hub described."""


def download(repo: str, model_file: str, parts: Path, folder: Path) -> None:
    """Write the model's files into ``folder``, checked against the hashes by which the hub names them.

    Unfinished files stay in ``parts``. One attempt: fastembed's own three, with pauses, take 39 seconds where the hub
    cannot be reached.
    """
    from fastembed.common.model_management import ModelManagement
    from huggingface_hub import list_repo_tree
    from huggingface_hub.hf_api import RepoFile

    parts.mkdir(parents=True, exist_ok=True)
    patterns = [model_file, f"{model_file}_data"]
    files = {one.path: one.size for one in list_repo_tree(repo, recursive=True) if isinstance(one, RepoFile)}
    # The configuration files beside these are small.
    total = sum(size for path, size in files.items() if path in [*patterns, "tokenizer.json"])
    (parts / EXPECTED_SIZE).write_text(str(total))
    for path in patterns:
        if path in files:
            _download_weights(repo, path, parts)
    snapshot = Path(
        ModelManagement.download_files_from_huggingface(repo, cache_dir=str(parts), extra_patterns=patterns)
    )
    for file in snapshot.rglob("*"):
        if file.is_file():
            check(file)
    # The hub's cache holds links into a pool of blobs; the files themselves are wanted.
    shutil.copytree(snapshot, folder)


def _download_weights(repo: str, path: str, parts: Path) -> None:
    """Put a large file where the hub's library looks for it, going on with what an earlier attempt has got.

    The library itself begins every file anew since its version 1.0 (huggingface_hub, pull request 4228).
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get, repo_folder_name
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(repo, path)
    metadata = get_hf_file_metadata(url)
    blob = parts / repo_folder_name(repo_id=repo, repo_type="model") / "blobs" / str(metadata.etag)
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    # The files themselves lie on other servers, which get no token.
    own = urlsplit(metadata.location).netloc == urlsplit(url).netloc
    unfinished = parts / f"{metadata.etag}.part"
    with unfinished.open("ab") as file:
        headers = build_hf_headers() if own else None
        http_get(metadata.location, file, resume_size=file.tell(), expected_size=metadata.size, headers=headers)
    unfinished.rename(blob)


def check(path: Path) -> None:
    """Raise ``Damaged`` unless the file has the hash that the hub gave its blob as a name.

    Large files are named by their SHA-256, small ones by Git's hash of a blob; a mirror's other names say nothing.
    """
    name = path.resolve().name
    content_hash = {64: _sha256, 40: _git_hash}.get(len(name))
    if content_hash is None or set(name) - set("0123456789abcdef"):
        return
    if (found := content_hash(path)) != name:
        raise Damaged(f"{path.name} {DAMAGED}: the hash {found} instead of {name}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_hash(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def main() -> None:
    die_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("repo")
    parser.add_argument("model_file")
    parser.add_argument("parts", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        download(arguments.repo, arguments.model_file, arguments.parts, arguments.folder)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        sys.exit(lines[0] if lines else type(error).__name__)


if __name__ == "__main__":
    main()
