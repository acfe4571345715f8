"""Who meets, and what for."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the made-up company; `eagerness` weighs how often they take the floor."""

    name: str
    email: str
    eagerness: float
    patience_ms: int


@dataclass(frozen=True, slots=True)
class Series:
    """A meeting that recurs: on which weekdays (0 is Monday), every how many weeks, at what hour, how long."""

    title: str
    weekdays: tuple[int, ...]
    every_weeks: int
    hour: int
    minutes: int
    people: tuple[int, ...]
    tags: tuple[str, ...]
    subject: str


def _person(name: str, eagerness: float, patience_ms: int) -> Person:
    return Person(name, f"{name.split()[0].lower()}@lantern.example", eagerness, patience_ms)


PEOPLE = (
    _person("Ines Duarte", 3.0, 150),
    _person("Tomas Berg", 2.2, 300),
    _person("Priya Nair", 1.8, 450),
    _person("Leon Fischer", 1.4, 250),
    _person("Mei Tanaka", 1.2, 600),
    _person("Samuel Okafor", 1.0, 400),
    _person("Clara Roux", 0.8, 700),
    _person("Jonas Weber", 0.6, 500),
)

FIRST_NAMES = (
    "Aisha", "Bruno", "Carla", "Dario", "Edith", "Farid", "Greta", "Hugo", "Irina", "Jamal", "Karin", "Lukas",
    "Marta", "Nadia", "Oscar", "Paula", "Quentin", "Rosa", "Stefan", "Tara", "Umar", "Vera", "Walter", "Xenia",
    "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Bianchi", "Castillo", "Dumont", "Eriksen", "Ferrari", "Gupta", "Haddad", "Ivanova", "Jansen",
    "Kowalski", "Lindgren", "Moreau", "Novak", "Olsen", "Petrov", "Quispe", "Rossi", "Silva", "Tran", "Ueda",
    "Varga", "Wagner", "Yilmaz", "Zhang",
)  # fmt: skip


def team(number: int) -> tuple[Person, ...]:
    """The people of one team, as many as PEOPLE, who are team 0; the same number gives the same people."""
    if number == 0:
        return PEOPLE
    chance = random.Random(number)  # noqa: S311  (names, not secrets)
    return tuple(_colleague(chance, number, each) for each in PEOPLE)


def _colleague(chance: random.Random, number: int, like: Person) -> Person:
    name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    email = f"{name.lower().replace(' ', '.')}.{number}@lantern.example"
    return Person(name, email, like.eagerness, like.patience_ms)


SERIES = (
    Series("Stand-up", (0, 2, 4), 1, 9, 14, (0, 1, 2, 3, 4), ("team",), "the release"),
    Series("Planning", (0,), 2, 10, 55, (0, 1, 2, 3, 4, 5), ("team", "planning"), "the next two weeks"),
    Series("Retro", (4,), 2, 15, 42, (1, 2, 3, 4, 5), ("team",), "how we work"),
    Series("Design review", (1,), 1, 14, 48, (0, 2, 4, 6), ("design",), "the new onboarding"),
    Series("Customer call", (3,), 1, 16, 31, (0, 5, 6), ("customer",), "the pilot"),
    Series("One to one", (2,), 2, 11, 28, (0, 1), ("1:1",), "what is next for you"),
    Series("Quarterly review", (1,), 13, 13, 85, (0, 1, 2, 3, 4, 5, 6, 7), ("q-review",), "the quarter"),
    Series("Workshop", (2,), 1, 13, 105, (0, 1, 2, 3, 5, 6, 7), ("team", "workshop"), "how customers really use it"),
    Series("Incident review", (3,), 5, 12, 37, (1, 3, 5, 7), ("operations",), "the outage"),
)

TASKS = (
    "Send the minutes",
    "Write down the decision",
    "Update the estimate",
    "Ask the customer for their data",
    "Draft the announcement",
    "Measure it again with real traffic",
    "Book the room for next month",
    "Close the old tickets",
)
