"""How well fingerprints tell the same from the different: `make bench-fingerprints`.

Over utterances that are made here, and, where espeak-ng is installed, over spoken sentences, some of which begin with
the same words: precision and recall of each distortion, how near the worst of either comes to the limits, and time.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from mina_api.sessions.fingerprints import wav
from mina_api.sessions.fingerprints.landmarks import landmarks_of
from mina_api.sessions.fingerprints.likeness import are_alike, likeness
from mina_api.sessions.fingerprints.wav import Audio
from tests.sessions.speech import distorted, utterance

RESULTS = Path(__file__).parent / "results" / "fingerprints.md"
BEGINNINGS = (
    "Shall we begin with the",
    "I would like to hear from everybody about the",
    "We agreed that nobody touches the",
    "There is one more thing, which is the",
    "Could you please send us the",
)
ENDS = (
    "numbers of the last quarter, and then go on to the plan?",
    "outage on Tuesday, which lasted for forty minutes.",
    "migration of the last two tables before we leave.",
    "onboarding of new customers, since it takes three weeks.",
)
VOICES = ("en-us", "en-gb+f3")


def spoken() -> Iterator[Audio]:
    """Every beginning with every end, in two voices."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "spoken.wav"
        for voice in VOICES:
            for beginning in BEGINNINGS:
                for end in ENDS:
                    subprocess.run(["espeak-ng", "-v", voice, "-w", file, f"{beginning} {end}"], check=True)
                    yield wav.read(file.read_bytes())


def measure(title: str, clips: list[Audio]) -> tuple[list[str], bool]:
    """The rows of one set, and whether nothing was missed or mistaken."""
    began = time.perf_counter()
    known = [landmarks_of(clip) for clip in clips]
    per_second = (time.perf_counter() - began) / sum(len(clip.samples) / clip.rate for clip in clips)
    found: dict[str, list[bool]] = {}
    shares, coverages = [], []
    for clip, landmarks in zip(clips, known, strict=True):
        for how, audio in distorted(clip):
            theirs = landmarks_of(audio)
            found.setdefault(how, []).append(are_alike(landmarks, theirs))
            _, share, coverage = likeness(landmarks, theirs)
            shares.append(share)
            coverages.append(coverage)
    others = [(known[one], known[other]) for one in range(len(known)) for other in range(one)]
    mistaken = sum(are_alike(one, other) for one, other in others)
    recalled = sum(map(sum, found.values()))
    nearest = max((likeness(one, other) for one, other in others), key=lambda each: each[2])
    rows = [
        f"| {title} | {len(clips)} | {recalled / len(shares):.4f} | {recalled / (recalled + mistaken):.4f}"
        f" | {min(shares):.2f}, {min(coverages):.2f} | {nearest[1]:.2f}, {nearest[2]:.2f} | {per_second * 1000:.1f} |"
    ]
    rows += [f"| … {how} | | {sum(each) / len(each):.4f} | | | | |" for how, each in found.items() if not all(each)]
    return rows, recalled == len(shares) and not mistaken


def main() -> None:
    """Measure, report; exit code 1 where anything is missed or mistaken."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--utterances", type=int, default=40)
    sets = {"made here": [utterance(seed, 5.0) for seed in range(arguments.parse_args().utterances)]}
    if shutil.which("espeak-ng"):
        sets["spoken by espeak-ng"] = list(spoken())
    lines = [
        "# Fingerprints",
        "",
        "| set | clips | recall | precision | worst of the same: share, coverage | nearest of others | ms a second |",
        "|---|---|---|---|---|---|---|",
    ]
    results = [measure(title, clips) for title, clips in sets.items()]
    lines += [row for rows, _ in results for row in rows]
    Console().print("\n".join(lines))
    RESULTS.write_text("\n".join([*lines, ""]))
    raise SystemExit(0 if all(is_right for _, is_right in results) else 1)


if __name__ == "__main__":
    main()
