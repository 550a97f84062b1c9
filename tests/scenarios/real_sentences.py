"""A thousand real English sentences that every machine with Python has: its standard library's documentation."""

import inspect
import pkgutil
import re
import sys
import warnings
from importlib import import_module

SKIPPED = {"antigravity", "this", "idlelib", "lib2to3", "test", "turtledemo", "tkinter", "turtle", "__main__"}


def real_sentences(count: int) -> list[str]:
    """``count`` different sentences of 30 to 300 characters, in one order on one Python version."""
    found: dict[str, None] = {}
    names = sorted({m.name for m in pkgutil.iter_modules()} & set(sys.stdlib_module_names) - SKIPPED)
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                module = import_module(name)
        except ImportError:  # of another platform
            continue
        for text in _documentation(module):
            for sentence in re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", text)):
                if 30 <= len(sentence) <= 300 and sentence[0].isupper() and sentence[-1] in ".!?":
                    found[sentence] = None
        if len(found) >= count:
            return list(found)[:count]
    raise AssertionError(f"only {len(found)} sentences")


def _documentation(module):
    yield inspect.getdoc(module) or ""
    for _, member in sorted(vars(module).items(), key=lambda item: item[0]):
        if inspect.isclass(member) or inspect.isfunction(member):
            yield inspect.getdoc(member) or ""
