"""Making the folders of one cloud: private, reachable by those who must, and never somebody else's."""

import os
import stat
from pathlib import Path

from cloudconsole.paths import Paths


class StartRefused(Exception):
    """The cloud cannot start; the sentence says why and what to do."""


def prepare_folders(paths: Paths) -> None:
    """Create the data and run folders with mode 0700. Raises StartRefused when one belongs to somebody else."""
    for folder in (paths.data, paths.run):
        private_folder(folder)


def private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StartRefused(f"{folder} belongs to another user. Remove it or choose another CLOUDCONSOLE_DATA_DIR.")
    folder.chmod(0o700)


def reachable_by_everyone(path: Path) -> bool:
    """Whether any user can enter every folder on the way to ``path`` and read it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents])
