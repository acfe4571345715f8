"""Plain text for people: `[00:01:02] Name: text`, a line for each utterance; it is not read back."""

from collections.abc import Sequence

from mina_api.transcripts.formats.times import stamp
from mina_api.transcripts.segments import Utterance


def write(utterances: Sequence[Utterance]) -> bytes:
    """The transcript as lines."""
    return "".join(
        f"[{stamp(each.start_ms, '.')[:-4]}] {each.speaker}: {' '.join(each.text.split())}\n" for each in utterances
    ).encode()
