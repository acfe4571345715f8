from io import BytesIO

from mina_api.transcripts import formats
from mina_api.transcripts.segments import Utterance


def parse(data: bytes, media_type: str, dialect: str | None = None) -> list[Utterance]:
    """The utterances of a file that holds `data`."""
    return formats.parse(BytesIO(data), media_type, dialect)
