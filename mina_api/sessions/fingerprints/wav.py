"""Reading WAV: PCM and floating point, any number of channels, mixed to one.

(IBM and Microsoft: Multimedia Programming Interface and Data Specifications 1.0, 1991.)
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mina_api.errors import InvalidInput

Samples = npt.NDArray[np.float32]

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples of one channel within [−1, 1], `rate` a second."""

    samples: Samples
    rate: int


def read(data: bytes) -> Audio:
    """The audio of a WAV file; raises InvalidInput for one that is none, or that is not read here."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InvalidInput("The audio is no WAV file.")
    chunks = dict(_chunks(data))
    if b"fmt " not in chunks or b"data" not in chunks or len(chunks[b"fmt "]) < 16:
        raise InvalidInput("The WAV file is incomplete.")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunks[b"fmt "][:16])
    if kind == EXTENSIBLE and len(chunks[b"fmt "]) >= 26:
        (kind,) = struct.unpack("<H", chunks[b"fmt "][24:26])
    if not MIN_RATE <= rate <= MAX_RATE or channels < 1:
        raise InvalidInput(f"The WAV file has {channels} channels at {rate} Hz: {MIN_RATE} to {MAX_RATE} Hz are read.")
    raw = chunks[b"data"]
    frame = channels * bits // 8
    if not frame or len(raw) // frame > MAX_SECONDS * rate:
        raise InvalidInput(f"The audio is longer than {MAX_SECONDS} s.")
    mixed = _samples(raw[: len(raw) // frame * frame], kind, bits).reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return Audio(np.nan_to_num(mixed, nan=0.0, posinf=0.0, neginf=0.0), rate)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks in turn; a length that leads over the end, as streaming recorders write, ends with it."""
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _samples(raw: bytes, kind: int, bits: int) -> Samples:
    match kind, bits:
        case (1, 8):
            return (np.frombuffer(raw, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
        case (1, 16):
            return np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(2**15)
        case (1, 24):
            wide = np.zeros((len(raw) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
            return wide.view("<i4").ravel().astype(np.float32) / np.float32(2**31)
        case (1, 32):
            return np.frombuffer(raw, "<i4").astype(np.float32) / np.float32(2**31)
        case (3, 32):
            return np.frombuffer(raw, "<f4").astype(np.float32)
        case (3, 64):
            return np.frombuffer(raw, "<f8").astype(np.float32)
    raise InvalidInput(f"WAV of kind {kind} with {bits} bits is not read here: PCM and floating point are.")
