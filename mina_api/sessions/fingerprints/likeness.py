"""Whether two recordings are of the same: enough landmarks at one distance in time, all over both recordings."""

import numpy as np
import numpy.typing as npt

from mina_api.sessions.fingerprints.landmarks import STEP_SECONDS, Integers, Landmarks

# Measured by `make bench-fingerprints`, which prints how far the same and the different are from these.
ENOUGH_COMMON = 12
ENOUGH_SHARE = 0.12
ENOUGH_COVERAGE = 0.65
# A part of a recording counts as common where so much of its landmarks is; parts with few say nothing.
PART_STEPS = round(0.5 / STEP_SECONDS)
PART_LANDMARKS = 8
PART_SHARE = 0.05


def are_alike(one: Landmarks, other: Landmarks) -> bool:
    """Whether both are recordings of the same, from about the same beginning to about the same end."""
    common, share, coverage = likeness(one, other)
    return common >= ENOUGH_COMMON and share >= ENOUGH_SHARE and coverage >= ENOUGH_COVERAGE


def likeness(one: Landmarks, other: Landmarks) -> tuple[int, float, float]:
    """Landmarks in common at the distance that has most; their share of the shorter's; the lesser coverage."""
    firsts, seconds = _same_hashes(one, other)
    if not len(firsts):
        return 0, 0.0, 0.0
    distances = one.steps[firsts] - other.steps[seconds]
    counts = np.bincount(distances - distances.min())
    best = int(np.convolve(counts, (1, 1, 1), "same").argmax()) + int(distances.min())
    is_common = np.abs(distances - best) <= 1
    coverages = (_coverage(one, firsts[is_common]), _coverage(other, seconds[is_common]))
    common = min(len(np.unique(firsts[is_common])), len(np.unique(seconds[is_common])))
    return common, common / min(len(one), len(other)), min(coverages)


def _same_hashes(one: Landmarks, other: Landmarks) -> tuple[Integers, Integers]:
    """The indices of each pair of equal hashes."""
    order = np.argsort(one.hashes, kind="stable")
    ordered = one.hashes[order]
    low, high = np.searchsorted(ordered, other.hashes, "left"), np.searchsorted(ordered, other.hashes, "right")
    counts = high - low
    seconds = np.repeat(np.arange(len(other)), counts)
    within = np.arange(len(seconds)) - np.repeat(np.cumsum(counts) - counts, counts)
    return order[np.repeat(low, counts) + within], seconds


def _coverage(landmarks: Landmarks, common: npt.NDArray[np.int64]) -> float:
    """Of the parts of a recording that have landmarks, the share that has some of the common ones."""
    parts = landmarks.steps // PART_STEPS
    all_of_part = np.bincount(parts)
    common_of_part = np.bincount(parts[np.unique(common)], minlength=len(all_of_part))
    speaking = all_of_part >= PART_LANDMARKS
    if not speaking.any():
        return float(len(common) > 0)
    return float((common_of_part[speaking] >= PART_SHARE * all_of_part[speaking]).mean())
