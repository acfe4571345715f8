"""Words, and the two kinds of them that analytics counts apart."""

import re

_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")

BACKCHANNEL_MS = 1000
BACKCHANNELS = frozenset(
    "ah aha cool great hm hmm mhm mm mmhmm no oh ok okay right sure uhhuh yeah yep yes yup".split()  # noqa: SIM905
)
FILLERS = frozenset(("um", "uh", "er", "erm", "ah", "hmm"))


def words_of(text: str) -> list[str]:
    """The white-space-separated tokens that hold a letter or digit, without case and punctuation."""
    stripped = (
        # Most are a word already: the expression takes ten times as long to find that out.
        (token if token.isalnum() else _NEITHER_LETTER_NOR_DIGIT.sub("", token)).casefold()
        for token in text.split()
    )
    return [word for word in stripped if word]


def is_backchannel(words: list[str], length_ms: int) -> bool:
    """Whether a listener said it: one to three such words in under a second."""
    return length_ms < BACKCHANNEL_MS and 1 <= len(words) <= 3 and all(word in BACKCHANNELS for word in words)
