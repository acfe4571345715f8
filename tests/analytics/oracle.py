"""A second, brute-force implementation of API.md's formulas, written apart from the first: it samples 1 ms steps.

Times are counted in milliseconds of bitmaps, everything else goes straight down the definitions.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any

from mina_api.transcripts.segments import Utterance

BACKCHANNELS = {
    "ah", "aha", "cool", "great", "hm", "hmm", "mhm", "mm", "mm-hmm", "no", "oh", "ok", "okay", "right", "sure",
    "uh-huh", "yeah", "yep", "yes", "yup",
}  # fmt: skip
SAID_ASIDE = {re.sub(r"[^a-z]", "", word) for word in BACKCHANNELS}
FILLERS = {"um", "uh", "er", "erm", "ah", "hmm"}


def words(text: str) -> list[str]:
    found = []
    for token in text.split():
        kept = "".join(letter for letter in token if letter.isalnum())
        if kept:
            found.append(kept.lower())
    return found


def bitmap(utterances: Sequence[Utterance], length: int) -> bytearray:
    talking = bytearray(length)
    for each in utterances:
        if each.end_ms > each.start_ms:
            talking[each.start_ms : each.end_ms] = b"\1" * (each.end_ms - each.start_ms)
    return talking


def is_aside(each: Utterance) -> bool:
    spoken = words(each.text)
    return each.end_ms - each.start_ms < 1000 and 0 < len(spoken) < 4 and set(spoken) <= SAID_ASIDE


def turns(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    found: list[list[Utterance]] = []
    for each in sorted(utterances, key=lambda one: (one.start_ms, one.end_ms)):
        if each.end_ms <= each.start_ms or is_aside(each):
            continue
        same = bool(found) and found[-1][0].speaker == each.speaker
        if same and each.start_ms - max(one.end_ms for one in found[-1]) <= 3000:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def interrupts(turn: Sequence[Utterance], utterances: Sequence[Utterance]) -> bool:
    first = turn[0]
    return any(
        other.speaker != first.speaker
        and other.start_ms <= first.start_ms < other.end_ms
        and min(other.end_ms, first.end_ms) - first.start_ms >= 500
        for other in utterances
    )


def equity(times: Sequence[int]) -> float | None:
    n = len(times)
    if n < 2 or not sum(times):
        return None
    mean = Fraction(sum(times), n)
    gini = sum(abs(Fraction(a - b)) for a in times for b in times) / (2 * n * n * mean)
    return float(1 - gini * n / (n - 1))


def measure(utterances: Sequence[Utterance]) -> dict[str, Any]:
    """Everything of one meeting; speakers by label."""
    length = max((each.end_ms for each in utterances), default=0)
    labels = list(dict.fromkeys(each.speaker for each in utterances))
    maps = {label: bitmap([each for each in utterances if each.speaker == label], length) for label in labels}
    depth = bytearray(length)
    if maps:
        depth = bytearray(map(sum, zip(*maps.values(), strict=True)))
    taken = turns(utterances)
    waits = [
        max(0, after[0].start_ms - max(each.end_ms for each in before))
        for before, after in pairwise(taken)
        if before[0].speaker != after[0].speaker
    ]
    return {
        "speech_ms": length - depth.count(0),
        "overlap_ms": length - depth.count(0) - depth.count(1),
        "words": sum(len(words(each.text)) for each in utterances),
        "turns": len(taken),
        "questions": sum(each.text.rstrip()[-1:] == "?" for each in utterances),
        "patience_ms": float(median(waits)) if waits else None,
        "participation_equity": equity([talking.count(1) for talking in maps.values()]),
        "speakers": {
            label: {
                "talk_ms": maps[label].count(1),
                "turns": sum(turn[0].speaker == label for turn in taken),
                "longest_monologue_ms": max(
                    (
                        max(each.end_ms for each in turn) - turn[0].start_ms
                        for turn in taken
                        if turn[0].speaker == label
                    ),
                    default=0,
                ),
                "words": sum(len(words(each.text)) for each in utterances if each.speaker == label),
                "fillers": sum(
                    word in FILLERS for each in utterances if each.speaker == label for word in words(each.text)
                ),
                "questions": sum(each.text.rstrip()[-1:] == "?" for each in utterances if each.speaker == label),
                "interruptions": sum(turn[0].speaker == label and interrupts(turn, utterances) for turn in taken),
            }
            for label in labels
        },
    }
