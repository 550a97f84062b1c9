"""The callers' keys of external providers: handed on for one call, never shown, stored or logged."""

from collections.abc import Callable

from inference.catalogue import CATALOGUE

KEY_NAMES = tuple(spec.key_name for spec in CATALOGUE.values() if spec.key_name is not None)


class ProviderKeys:
    """The keys that came in the headers of one request, by header name. Printing it shows none of them."""

    __slots__ = ("_keys",)

    def __init__(self, header: Callable[[str], str | None]) -> None:
        """``header`` returns the value of the request's header of this (lower-case) name, None if there is none."""
        self._keys = {name: key for name in KEY_NAMES if (key := header(name))}

    def get(self, name: str) -> str | None:
        return self._keys.get(name)

    def only(self, name: str | None) -> "ProviderKeys":
        """The key of this name and no other."""
        return ProviderKeys(lambda other: self._keys.get(other) if other == name else None)

    def headers(self) -> dict[str, str]:
        """The headers that carry the keys on."""
        return dict(self._keys)

    def __repr__(self) -> str:
        return f"<keys: {', '.join(self._keys) or 'none'}>"


NO_KEYS = ProviderKeys(lambda name: None)
