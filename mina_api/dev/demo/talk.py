"""What is said, by whom and when: turns, pauses, overlaps and listeners' noises, at a human pace."""

import random
from collections.abc import Sequence

from mina_api.dev.demo.cast import Person
from mina_api.transcripts.segments import Utterance

OPENINGS = ("So", "Well", "Right, so", "I think", "Actually", "Um", "From my side", "To be honest", "Let me add that")
SUBJECTS = ("we", "the team", "the customer", "nobody", "most people", "the data", "this version", "the second option")
VERBS = (
    "should look at {topic} again", "agreed on {topic} last week", "would rather not touch {topic}",
    "needs more time for {topic}", "was surprised by {topic}", "can live with {topic} for now",
    "never really tested {topic}", "asked about {topic} twice", "sees the risk in {topic}",
)  # fmt: skip
TAILS = (
    "before the end of the month", "because the numbers say so", "and that is fine", "if you ask me",
    "but, er, it is not urgent", "at least in the first step", "which makes it easier for all", "as far as I know",
)  # fmt: skip
QUESTIONS = (
    "What do you think about {topic}?", "Who takes {topic}?", "Is {topic} still open?",
    "Could we try {topic} with one customer first?", "How long would {topic} take?",
)  # fmt: skip
NOISES = ("Mm-hmm.", "Yeah.", "Okay.", "Right.", "Sure.", "Uh-huh.", "Oh, okay.")
TOPICS = (
    "the roadmap",
    "the search page",
    "the pricing",
    "the migration",
    "the hiring plan",
    "the test data",
    "the API",
)

MS_PER_WORD = 350


def conversation(chance: random.Random, people: Sequence[Person], minutes: int, subject: str) -> list[Utterance]:
    """About `minutes` of talk among `people`, ordered; some seven to eight in ten of them talked through."""
    now = chance.randint(1500, 6000)
    end = minutes * 60_000
    utterances: list[Utterance] = []
    speaker = people[0]
    while now < end:
        others = [person for person in people if person is not speaker]
        speaker = chance.choices(others, [person.eagerness for person in others])[0]
        now = _turn(chance, utterances, now, speaker, others, subject)
        if chance.random() < 0.3:
            now -= chance.randint(300, 1900)
        else:
            now += int(chance.expovariate(1 / (speaker.patience_ms + 350)))
    return sorted(utterances, key=lambda each: (each.start_ms, each.end_ms))


def _turn(
    chance: random.Random,
    utterances: list[Utterance],
    now: int,
    speaker: Person,
    others: Sequence[Person],
    subject: str,
) -> int:
    """One speaker's turn from `now` on; the moment it ends."""
    for _ in range(min(12, 1 + int(chance.expovariate(1 / (0.8 + speaker.eagerness))))):
        text = _sentence(chance, subject)
        start = max(now, 0)
        now = start + max(700, int(len(text.split()) * MS_PER_WORD * chance.uniform(0.8, 1.25)))
        utterances.append(Utterance(start, now, speaker.name, text))
        if chance.random() < 0.3:
            listener = chance.choice([each for each in others if each is not speaker] or [speaker])
            at = chance.randint(start, now)
            utterances.append(Utterance(at, at + chance.randint(250, 800), listener.name, chance.choice(NOISES)))
        now += chance.randint(100, 900)
    return now


def _sentence(chance: random.Random, subject: str) -> str:
    topic = subject if chance.random() < 0.35 else chance.choice(TOPICS)
    if chance.random() < 0.14:
        return chance.choice(QUESTIONS).format(topic=topic)
    parts = [chance.choice(SUBJECTS), chance.choice(VERBS).format(topic=topic)]
    if chance.random() < 0.6:
        parts.insert(0, chance.choice(OPENINGS) + ",")
    if chance.random() < 0.7:
        parts.append(chance.choice(TAILS))
    sentence = " ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]
