"""Something like speech, made of nothing: voices with pitch and formants, hisses and pauses; and what happens to it."""

import io
import struct
import wave
from collections.abc import Iterator

import numpy as np

from mina_api.sessions.fingerprints.wav import Audio, Samples

RATE = 16_000


def utterance(seed: int, seconds: float = 4.0) -> Audio:
    """An utterance of a voice of its own; the same seed gives the same."""
    chance = np.random.default_rng(seed)
    voice_hz = chance.uniform(90, 230)
    sounds: list[Samples] = []
    while sum(map(len, sounds)) < seconds * RATE:
        count = int(RATE * chance.uniform(0.06, 0.25))
        kind = chance.random()
        if kind < 0.65:
            sound = _vowel(chance, voice_hz, count)
        elif kind < 0.85:
            sound = _hiss(chance, count)
        else:
            sound = np.zeros(count, np.float32)
        sounds.append((sound * np.sqrt(np.sin(np.pi * np.arange(count) / count))).astype(np.float32))
    samples = np.concatenate(sounds)[: int(seconds * RATE)]
    return Audio((samples / np.abs(samples).max() * 0.7).astype(np.float32), RATE)


def _vowel(chance: np.random.Generator, voice_hz: float, count: int) -> Samples:
    pitch = voice_hz * chance.uniform(0.85, 1.2) * (1 + 0.1 * chance.standard_normal() * np.linspace(0, 1, count))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = (chance.uniform(280, 850), chance.uniform(900, 2300), chance.uniform(2300, 3200))
    sound = np.zeros(count)
    for harmonic in range(1, 30):
        tones = zip(formants, (80, 110, 160), (1.0, 0.6, 0.3), strict=True)
        loudness = sum(
            weight * np.exp(-(((pitch * harmonic - formant) / width) ** 2)) for formant, width, weight in tones
        )
        sound += (loudness + 0.003) * np.sin(harmonic * phase)
    return (sound * chance.uniform(0.3, 1)).astype(np.float32)


def _hiss(chance: np.random.Generator, count: int) -> Samples:
    spectrum = np.fft.rfft(chance.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    shaped = spectrum * np.exp(-(((hertz - chance.uniform(1500, 5500)) / 900) ** 2))
    return (np.fft.irfft(shaped, count) * 0.15).astype(np.float32)


def louder(audio: Audio, decibels: float) -> Audio:
    """The same, louder or quieter."""
    return Audio(audio.samples * np.float32(10 ** (decibels / 20)), audio.rate)


def resampled(audio: Audio, rate: int) -> Audio:
    """The same at another sampling rate, by its spectrum."""
    count = int(len(audio.samples) * rate / audio.rate)
    spectrum = np.zeros(count // 2 + 1, np.complex128)
    given = np.fft.rfft(audio.samples)
    kept = min(len(spectrum), len(given))
    spectrum[:kept] = given[:kept]
    return Audio((np.fft.irfft(spectrum, count) * count / len(audio.samples)).astype(np.float32), rate)


def noisy(audio: Audio, decibels: float, seed: int = 0) -> Audio:
    """The same with white noise, so many decibels below it."""
    noise = np.random.default_rng(seed).standard_normal(len(audio.samples))
    loudness = np.sqrt(np.mean(audio.samples**2)) * 10 ** (-decibels / 20)
    return Audio((audio.samples + noise * loudness).astype(np.float32), audio.rate)


def later(audio: Audio, seconds: float) -> Audio:
    """The same after some silence, or, where `seconds` is negative, without its beginning."""
    count = round(seconds * audio.rate)
    if count < 0:
        return Audio(audio.samples[-count:], audio.rate)
    return Audio(np.concatenate([np.zeros(count, np.float32), audio.samples]), audio.rate)


def distorted(audio: Audio) -> Iterator[tuple[str, Audio]]:
    """The same in each way in which it has to be known again, and in all of them at once."""
    yield "as it is", audio
    yield "at −6 dB", louder(audio, -6)
    yield "at 8 kHz", resampled(audio, 8_000)
    yield "at 44.1 kHz", resampled(audio, 44_100)
    yield "with noise at 20 dB", noisy(audio, 20)
    yield "0.5 s later", later(audio, 0.5)
    yield "without 0.5 s", later(audio, -0.5)
    yield "all at once", resampled(noisy(later(louder(audio, -6), 0.507), 20), 11_025)


def as_wav(audio: Audio) -> bytes:
    """A WAV file of 16-bit samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.rate)
        out.writeframes((np.clip(audio.samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def a_wav(kind: int, channels: int, rate: int, bits: int, data: bytes, *, extensible: bool = False) -> bytes:
    """A WAV file with any header."""
    head = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, channels, rate, 0, 0, bits)
    if extensible:
        head += struct.pack("<HHIH", 22, bits, 0, kind) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
