"""Download one model from the hub through fastembed, into a plain folder; run as a program of its own.

A program, because a download in a thread can be neither watched nor stopped, and because the hub's library reads
its settings once, when it is imported.
"""

import argparse
import shutil
import sys
from pathlib import Path

from fastembed.common.model_management import ModelManagement

from cloudconsole.lifeline import die_with_parent


def download(repo: str, model_file: str, folder: Path) -> None:
    """Write the model's files into ``folder``; fastembed checks their sizes against the hub's list.

    One attempt: fastembed's own three, with pauses, take 39 seconds where the hub cannot be reached.
    """
    cache = folder.with_name(folder.name + ".hub")
    snapshot = ModelManagement.download_files_from_huggingface(
        repo, cache_dir=str(cache), extra_patterns=[model_file, f"{model_file}_data"]
    )
    # The hub's cache holds links into a pool of blobs; the files themselves are wanted.
    shutil.copytree(snapshot, folder)
    shutil.rmtree(cache)


def main() -> None:
    die_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("repo")
    parser.add_argument("model_file")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        download(arguments.repo, arguments.model_file, arguments.folder)
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        sys.exit(lines[0] if lines else type(error).__name__)


if __name__ == "__main__":
    main()
