"""What can go wrong with a request: one class per HTTP status, with Qdrant's sentences."""

import re

_FORMULA_WITHOUT_VALUE = (
    "the formula has no finite value for some point: a variable without a value or default, a division by zero, "
    "or a root or logarithm of a negative number"
)


class NodeError(Exception):
    """A request that is refused. ``status`` is the HTTP status, the text is the sentence the client gets."""

    status = 500

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class FormatError(NodeError):
    """The body is not JSON, or not of the shape the operation takes."""

    status = 400

    def __init__(self, detail: str, place: str = "JSON body") -> None:
        super().__init__(f"Format error in {place}: {detail}")


class PayloadTooLarge(NodeError):
    """The body is larger than a request may be."""

    status = 400  # what Qdrant answers, rather than 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"Payload error: JSON payload is larger than allowed (limit: {limit} bytes).")


class WrongInput(NodeError):
    """The request is well formed but does not fit the collection."""

    status = 400

    def __init__(self, detail: str) -> None:
        super().__init__(f"Wrong input: {detail}")


class ValidationFailed(NodeError):
    """A value is outside what its field allows."""

    status = 422

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"Validation error in JSON body: [{field}: {detail}]")


class StrictMode(NodeError):
    """The request exceeds a limit that its collection sets."""

    status = 400

    def __init__(self, sentence: str, advice: str) -> None:
        super().__init__(f"Bad request: {sentence}. Help: {advice}")


class RefusedByEngine(NodeError):
    """The engine's own validation refused a combination of values."""

    status = 422

    def __init__(self, detail: str) -> None:
        super().__init__(f"Validation error: {detail}")


class NotFound(NodeError):
    """A collection, point or route that does not exist."""

    status = 404

    def __init__(self, detail: str) -> None:
        super().__init__(f"Not found: {detail}")


class Conflict(NodeError):
    """A collection that exists already."""

    status = 409

    def __init__(self, detail: str) -> None:
        super().__init__(f"Wrong input: {detail}")


class NotSupported(NodeError):
    """An operation of Qdrant's API that an embedded node does not have."""

    status = 501


class Unavailable(NodeError):
    """The node is stopping; the request was not started and may be repeated."""

    status = 503
    retry_after_seconds = 1


class EngineFailure(NodeError):
    """The engine failed on a request that passed validation; nothing of it was acknowledged."""

    status = 500

    def __init__(self, detail: str) -> None:
        super().__init__(f"Service internal error: {detail}")


class EnginePanic(EngineFailure):
    """The engine panicked, and the shard was opened anew. What it did of the request before that may have stayed."""


def collection_not_found(name: str) -> NotFound:
    """Qdrant's sentence for an unknown collection."""
    return NotFound(f"Collection `{name}` doesn't exist!")


def is_panic(error: BaseException) -> bool:
    """Whether the engine panicked: the binding's exception is no ``Exception``, and its class cannot be imported."""
    return type(error).__name__ == "PanicException"


def refusal_of(error: Exception) -> NodeError:
    """The refusal for an exception that the engine's binding raised.

    The binding raises plain ``Exception`` with the engine's text, and ``ValueError``, ``TypeError`` or
    ``OverflowError`` when a value cannot become an engine object.
    """
    text = _sentence(error)
    if text.startswith("No point with id"):
        return NotFound(f"{text} found")
    if "process cancelled" in text:
        return WrongInput(_FORMULA_WITHOUT_VALUE)
    if text.startswith("Service runtime error"):
        return EngineFailure(text)
    if text.startswith("Validation failed: "):
        return RefusedByEngine(text.removeprefix("Validation failed: "))
    return WrongInput(text)


def _sentence(error: Exception) -> str:
    """The first line of the engine's text; for a value that fits no variant of an enum, the variant's own reason."""
    text = str(error).strip()
    if not text.startswith("failed to extract"):
        return text.splitlines()[0] if text else type(error).__name__
    reasons = re.findall(r"caused by ValueError: (.+)", text)
    return reasons[-1] if reasons else "a value is of a type or size that its field does not take"
