"""The fetcher's program with 127.0.0.1 in place of the public internet."""

from inference.fetcher.fetching import Fetcher
from inference.fetcher.service import run

if __name__ == "__main__":
    run(lambda: Fetcher(allow_http=True, is_allowed=lambda address: address == "127.0.0.1"))
