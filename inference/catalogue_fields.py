"""The fields of a catalogue's entries, read one by one and checked; a mistake names entry and field."""

from typing import Any


class CatalogueError(ValueError):
    """An entry of the catalogue is wrong; the message names the entry and the field."""


class Fields:
    """The fields of one TOML table, taken out one by one so that what is left over is unknown."""

    def __init__(self, where: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise CatalogueError(f"{where} must be a table")
        self.where = where
        self._left = dict(table)

    def fail(self, field: str, problem: str) -> CatalogueError:
        return CatalogueError(f"{self.where}: field '{field}' {problem}")

    def take(self, field: str, kind: type, default: Any = ...) -> Any:
        if field not in self._left:
            if default is ...:
                raise self.fail(field, "is missing")
            return default
        value = self._left.pop(field)
        if type(value) is not kind:  # a bool is an int for isinstance, and no price
            raise self.fail(field, f"must be {kind.__name__}, got {value!r}")
        return value

    def text(self, field: str, default: Any = ...) -> Any:
        value = self.take(field, str, default)
        if value == "":
            raise self.fail(field, "must not be empty")
        return value

    def positive(self, field: str, default: Any = ..., *, least: int = 1) -> Any:
        value = self.take(field, int, default)
        if value is not None and value < least:
            raise self.fail(field, f"must be {least} or more, got {value}")
        return value

    def one_of(self, field: str, choices: tuple[str, ...], default: Any = ...) -> Any:
        value = self.take(field, str, default)
        if value not in (*choices, default):
            raise self.fail(field, f"must be one of {', '.join(choices)}, got {value!r}")
        return value

    def table(self, field: str) -> "Fields | None":
        if field not in self._left:
            return None
        return Fields(f"{self.where}, {field}", self._left.pop(field))

    def finish(self) -> None:
        for field in self._left:
            raise self.fail(field, "is unknown")
