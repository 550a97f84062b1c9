"""``python -m inference.fetcher [--http]``: serve the worker at the other end of standard input, a socket."""

import sys

from inference.fetcher.fetching import Fetcher
from inference.fetcher.service import run

if __name__ == "__main__":
    run(lambda: Fetcher(allow_http="--http" in sys.argv[1:]))
