"""``python -m clusters.node.optimiser SOURCE TARGET PARENT``: copy a flushed shard and build the copy's indexes.

A process of its own, because the engine's binding holds the interpreter lock while it optimises, for seconds to
minutes. Prints a line when the copy is whole and another that tells whether there was anything to do.
"""

import os
import sys
from pathlib import Path

import qdrant_edge as edge

from clusters.node.files import copy_tree, sync_tree
from clusters.node.parent import die_with

COPIED, OPTIMISED, NOTHING_TO_DO = "copied", "optimised", "nothing to do"
_POLITE = 19  # requests come first


def main() -> None:
    """Copy while writes wait, then optimise with what the machine has left."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    die_with(int(sys.argv[3]))
    copy_tree(source, target)
    print(COPIED, flush=True)
    os.nice(_POLITE)
    shard = edge.EdgeShard.load(str(target))
    done = shard.optimize()
    shard.flush()
    shard.close()
    if done:
        sync_tree(target)
    print(OPTIMISED if done else NOTHING_TO_DO, flush=True)


if __name__ == "__main__":
    main()
