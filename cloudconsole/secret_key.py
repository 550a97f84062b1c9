"""The installation's secret: from the environment, else made once and kept in the data folder."""

import os
import secrets
from pathlib import Path


def load_secret_key(data: Path) -> str:
    """``CLOUDCONSOLE_SECRET_KEY``, else the content of ``<data>/secret_key`` (0600), made if missing.

    Several processes may start at once: whoever links the file first wins, everybody reads that one.
    """
    from_environment = os.environ.get("CLOUDCONSOLE_SECRET_KEY")
    if from_environment:
        return from_environment
    path = data / "secret_key"
    if not path.exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = data / f".secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
