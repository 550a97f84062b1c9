"""How much the fetcher takes from an address, known to the worker as well."""

LARGEST_IMAGE = 10 * 1024 * 1024  # bytes
MOST_REDIRECTS = 3
CONNECT_SECONDS = 3  # look-up, connection and TLS handshake together
TOTAL_SECONDS = 10
# Fetches that run at once; each may hold LARGEST_IMAGE bytes.
MOST_AT_ONCE = 16
