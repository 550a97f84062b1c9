"""Which addresses an image may be fetched from: those of the public internet, and no other."""

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address

from yarl import URL

LONGEST_URL = 4096

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Public by their numbers, yet answered by the network one is in, by some clouds with their instance metadata.
_LOCAL_SERVICES = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
# Resolvers take these as IPv4 addresses: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


class AddressRefused(Exception):
    """Nothing is fetched from such an address. Carries no reason, because none is ever told."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also once what it carries inside is unwrapped."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    if parsed.scope_id is not None:
        return False
    carried = _carried(parsed)
    if carried is not None:
        return _is_public_v4(carried)
    return parsed in _GLOBAL_UNICAST and parsed.is_global  # which leaves out Teredo, whatever it carries


def checked_url(text: str, *, allow_http: bool, base: URL | None = None) -> URL:
    """A URL that may be asked for, as far as its text tells; its host's addresses are checked when they are known.

    ``base`` is the URL that redirected to this one. Raises ``AddressRefused``: another scheme, credentials,
    characters that parsers disagree about, or a host that is a number in disguise.
    """
    if len(text) > LONGEST_URL or _NOT_IN_A_URL.search(text):
        raise AddressRefused
    try:
        url = base.join(URL(text)) if base else URL(text)
    except ValueError:
        raise AddressRefused from None
    schemes = {"https", "http"} if allow_http else {"https"}
    host = url.raw_host
    if url.scheme not in schemes or not host or "@" in url.raw_authority or _is_number(host):
        raise AddressRefused
    return url


def _is_public_v4(address: IPv4Address) -> bool:
    # ``is_global`` alone lets multicast through.
    is_unicast = address.is_global and not address.is_multicast and not address.is_reserved
    return is_unicast and not any(address in network for network in _LOCAL_SERVICES)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address end up at, if they leave IPv6 on their way."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def _is_number(host: str) -> bool:
    """Whether a host ends in a number, as no name does, and is not an address in its usual form either."""
    if ":" in host:
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None
    return False
