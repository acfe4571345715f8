"""Landmarks: pairs of spectral peaks, which noise, gain and another sampling rate leave where they are.

(Wang: An Industrial-Strength Audio Search Algorithm, ISMIR 2003.) Two recordings of the same have many landmarks in
common, all of them at the same distance in time; others have few, at any distance. Windows and steps have a length
in time, not in samples, so that bins mean the same frequencies at every sampling rate and nothing is resampled.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mina_api.sessions.fingerprints.wav import Audio

Matrix = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

WINDOW_SECONDS = 0.064
STEP_SECONDS = 0.016
FIRST_HZ, LAST_HZ = 200, 3_700
# A peak is the greatest within so many steps and bins to each side, and not so much quieter than the loudest around.
PEAK_STEPS, PEAK_BINS = 5, 8
LOUDNESS_STEPS = 62
DEPTH_DB = 35.0
FAN_OUT = 6
NEAREST_STEPS, FARTHEST_STEPS = 2, 63
CHUNK = 1_024


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What of a recording is compared: hashes of peak pairs, and the steps at which they begin."""

    hashes: Integers
    steps: Integers

    def __len__(self) -> int:
        return len(self.hashes)


def landmarks_of(audio: Audio) -> Landmarks:
    """The landmarks of a recording; none where nothing stands out."""
    steps, bins = _peaks(_spectrogram(audio))
    return _pair(steps, bins)


def _spectrogram(audio: Audio) -> Matrix:
    """Loudness in dB, a row for each step and a column for each bin of 1 / WINDOW_SECONDS Hz."""
    length = round(WINDOW_SECONDS * audio.rate)
    count = int((len(audio.samples) - length) / (STEP_SECONDS * audio.rate)) + 1
    first, last = round(FIRST_HZ * WINDOW_SECONDS), round(LAST_HZ * WINDOW_SECONDS)
    if count < 1:
        return np.zeros((0, last - first), np.float32)
    window = np.hanning(length).astype(np.float32)
    within = np.arange(length)
    rows = []
    for begin in range(0, count, CHUNK):
        starts = np.rint(np.arange(begin, min(begin + CHUNK, count)) * STEP_SECONDS * audio.rate).astype(np.int64)
        spectrum = np.fft.rfft(audio.samples[starts[:, None] + within] * window)
        rows.append(np.abs(spectrum[:, first:last]).astype(np.float32))
    return 20 * np.log10(np.concatenate(rows) / length + np.float32(1e-9))


def _peaks(loudness: Matrix) -> tuple[Integers, Integers]:
    """Where the spectrogram is the greatest around: steps and bins, in order of time."""
    if not len(loudness):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    around = _greatest(_greatest(loudness, PEAK_STEPS, 0), PEAK_BINS, 1)
    loudest = _greatest(loudness.max(axis=1), LOUDNESS_STEPS, 0)[:, None]
    is_peak = (loudness == around) & (loudness > loudest - DEPTH_DB) & (loudness > -120)
    steps, bins = np.nonzero(is_peak)
    return steps, bins


def _greatest(values: Matrix, reach: int, axis: int) -> Matrix:
    """The greatest of each value and `reach` others to each side along an axis."""
    width = [(reach, reach) if each == axis else (0, 0) for each in range(values.ndim)]
    padded = np.pad(values, width, constant_values=-np.inf)
    greatest: Matrix = sliding_window_view(padded, 2 * reach + 1, axis=axis).max(axis=-1)
    return greatest


def _pair(steps: Integers, bins: Integers) -> Landmarks:
    """Each peak with the next FAN_OUT that are neither too near nor too far."""
    hashes, begins = [], []
    taken = np.zeros(len(steps), np.int64)
    for ahead in range(1, min(len(steps), 8 * FAN_OUT)):
        apart = steps[ahead:] - steps[:-ahead]
        fits = (apart >= NEAREST_STEPS) & (apart <= FARTHEST_STEPS) & (taken[:-ahead] < FAN_OUT)
        taken[:-ahead] += fits
        hashes.append(((bins[:-ahead] << 14) | (bins[ahead:] << 6) | apart)[fits])
        begins.append(steps[:-ahead][fits])
    if not hashes:
        return Landmarks(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Landmarks(np.concatenate(hashes), np.concatenate(begins))
