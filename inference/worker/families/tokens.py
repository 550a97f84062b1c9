"""Tokenising texts of any length exactly, at a cost that depends on the context window and not on the text."""

from typing import Any

from tokenizers import Encoding, Tokenizer

# Characters per token of the window to try first: enough for nearly every text at the first attempt.
_CHARACTERS_PER_TOKEN = 8
_GROWTH = 4
# What fills no window by then (one word of 131,072 letters, or that many spaces) is cut there: a tokenizer needs
# 1.4 seconds for a million such characters, and nobody else's text may wait for them.
MOST_CHARACTERS = 131_072


class WindowTokenizer:
    """A tokenizer that cuts at its context window and tokenises only as much of a long text as the window shows.

    The tokens are those of the text's first 131,072 characters: tokenizers split a text into words before anything
    else, so cutting the characters changes the tokens of the last word at most. An attempt counts only when the window
    closed at least one whole word before the last one; otherwise four times as many characters are tried.
    """

    def __init__(self, tokenizer: Tokenizer, window: int) -> None:
        """``window`` in tokens, special tokens included; a narrower one set in ``tokenizer`` is kept."""
        truncation: dict[str, Any] = tokenizer.truncation or {}
        self.window = min(window, truncation.get("max_length", window))
        direction = truncation.get("direction", "right")
        tokenizer.enable_truncation(max_length=self.window, direction=direction)
        self._tokenizer = tokenizer
        # Where the front is cut off, the end of the text decides and all of it must be read.
        self._head = self.window * _CHARACTERS_PER_TOKEN if direction == "right" else None

    def encode(self, texts: list[str]) -> list[Encoding]:
        """One encoding per text, cut at the window; ``overflowing`` is empty where nothing was cut off."""
        if self._head is None:
            return self._tokenizer.encode_batch([text[-MOST_CHARACTERS:] for text in texts])
        encodings = self._tokenizer.encode_batch([text[: self._head] for text in texts])
        for number, text in enumerate(texts):
            taken, end = self._head, min(len(text), MOST_CHARACTERS)
            while taken < end and not _is_settled(encodings[number]):
                taken = min(taken * _GROWTH, end)
                encodings[number] = self._tokenizer.encode(text[:taken])
        return encodings

    def kept(self, text: str, encoding: Encoding) -> tuple[int, int] | None:
        """From and up to which character the text is in its encoding, by the tokenizer's own offsets; None for all."""
        unread = max(len(text) - MOST_CHARACTERS, 0)
        if not (unread or encoding.overflowing):
            return None
        spans = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        of_text = [span for span, special in spans if not special]
        if self._head is None:
            start = min((start for start, _ in of_text), default=0) if encoding.overflowing else 0
            return unread + start, len(text)
        end = max((end for _, end in of_text), default=0) if encoding.overflowing else MOST_CHARACTERS
        return 0, end


def _is_settled(encoding: Encoding) -> bool:
    """Whether the window ends more than one word before the last word that was tokenised."""
    if not encoding.overflowing:
        return False
    return _last_word(encoding) + 1 < _last_word(encoding.overflowing[-1])


def _last_word(encoding: Encoding) -> int:
    return max((word for word in encoding.word_ids if word is not None), default=-1)
