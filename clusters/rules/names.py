"""Readable names for clusters that have none yet."""

import itertools
import random
from collections.abc import Container

_ADJECTIVES = """
    amber ample azure bold brave brisk bright calm civil clear copper crisp deep early fair fleet fresh gentle glad
    golden grand hidden humble ivory jolly keen kind lively lucid mellow merry misty noble olive patient plain proud
    quick quiet rapid ready royal rustic scarlet shady silent silver simple smooth snowy solid steady sunny swift tidy
    vivid warm wild wise
"""
_NOUNS = """
    acorn anchor badger beacon birch bison brook canyon cedar cliff comet condor coral crane delta dune eagle ember
    falcon fern finch fjord forest fox garnet glacier grove harbor hawk heron island jaguar juniper lagoon lark lynx
    maple marlin meadow moose nebula oak orchid osprey otter owl panther pebble pine plover quartz raven reef ridge
    river robin sparrow spruce summit tiger trout valley walrus willow wolf wren
"""
_TRIES = 20


def suggest_name(taken: Container[str]) -> str:
    """Two words such as ``quiet-otter`` that are not taken, with a number behind them where all luck runs out."""
    for _ in range(_TRIES):
        name = _words()
        if name not in taken:
            return name
    name = _words()
    return next(numbered for n in itertools.count(2) if (numbered := f"{name}-{n}") not in taken)


def _words() -> str:
    return f"{random.choice(_ADJECTIVES.split())}-{random.choice(_NOUNS.split())}"  # noqa: S311 - a name, not a secret
