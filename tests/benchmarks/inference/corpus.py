"""Texts for measuring: made here, always the same, with lengths as a search application has them."""

import random

_TEXT = """
the a of and to in is for on with by from at as that this which are was be or not have has can will more one all
system index vector search query model cluster memory request answer server client storage network update point
collection filter payload distance segment snapshot replica shard token batch text image language document meaning
flour sugar butter oven recipe kitchen garden river mountain winter summer harbour bridge railway engine bicycle
doctor patient treatment medicine symptom hospital contract agreement payment invoice customer account delivery
teacher student lesson history science experiment measurement temperature pressure hydrogen electron orbit planet
quickly slowly carefully rarely often usually sometimes perhaps almost exactly together apart before after during
builds stores returns compares measures explains describes requires contains removes divides collects improves
large small early late bright quiet heavy simple careful modern ancient distant local public private reliable
"""
_WORDS = _TEXT.split()
# Share, fewest and most words: titles and names, paragraphs, pages cut into chunks that fill the window.
_MIX = [(0.4, 3, 12), (0.4, 25, 90), (0.2, 120, 260)]


def passages(count: int, seed: int = 1) -> list[str]:
    """Texts of mixed lengths, all different, in random order."""
    chance = random.Random(seed)
    shares = [share for share, _, _ in _MIX]
    mixed = chance.choices(_MIX, shares, k=count)
    return [f"{number} {_words(chance, chance.randint(least, most))}." for number, (_, least, most) in enumerate(mixed)]


def questions(count: int, seed: int = 2) -> list[str]:
    """Short queries of four to ten words, all different."""
    chance = random.Random(seed)
    return [f"{_words(chance, chance.randint(3, 9))} {number}?" for number in range(count)]


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(_WORDS, k=count))
