"""Log lines: one line each on standard output, ``level=info message="…" key=value``."""

import json
import logging
import sys

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


class LineFormatter(logging.Formatter):
    """Formats a record, its extra fields and its exception into a single line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record."""
        parts = {"level": record.levelname.lower(), "message": record.getMessage()}
        parts |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            parts["exception"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_value(value)}" for name, value in parts.items())


def log_to_stdout() -> None:
    """Send every record of level INFO and above to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _value(value: object) -> str:
    text = str(value)
    return text if text and text.isascii() and all(c.isalnum() or c in "-_./:" for c in text) else json.dumps(text)
