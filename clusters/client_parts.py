"""Parts of qdrant-client, without the rest of it.

Its packages import fastembed, httpx and much more when any of their modules is imported: over a second of processor
time and tens of megabytes that every node and the gateway would pay for nothing.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

_PACKAGES = {"qdrant_client": "", "qdrant_client.http": "http"}


def import_parts(names: Iterable[str]) -> list[ModuleType]:
    """These modules of qdrant-client, imported without running the packages around them."""
    if "qdrant_client" in sys.modules:
        return [importlib.import_module(name) for name in names]
    spec = importlib.util.find_spec("qdrant_client")
    if spec is None or spec.origin is None:
        raise ImportError("qdrant-client is not installed")
    for name, folder in _PACKAGES.items():
        stand_in = ModuleType(name)
        stand_in.__path__ = [str(Path(spec.origin).parent / folder)]
        sys.modules[name] = stand_in
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        for name in _PACKAGES:  # a later import of the client itself must run the real package
            del sys.modules[name]
