import pytest

from mina_api.cache.fair_queue import FairQueue


def a_queue(*items: str, limit: int = 1000) -> FairQueue[str]:
    """A queue of such items as `a1`, the letter being the owner."""
    queue: FairQueue[str] = FairQueue(limit)
    for item in items:
        queue.push(item[0], item)
    return queue


def emptied(queue: FairQueue[str]) -> list[str]:
    """What was in it, in the order in which it came out."""
    items = []
    while (item := queue.pop()) is not None:
        items.append(item)
    assert len(queue) == 0
    return items


class TestPop:
    def test_gives_each_owner_a_turn_and_each_owners_in_the_order_they_came_in(self) -> None:
        queue = a_queue("a1", "a2", "a3", "b1", "c1", "c2")

        assert emptied(queue) == ["a1", "b1", "c1", "a2", "c2", "a3"]

    def test_lets_nobodys_one_wait_behind_anothers_thousand(self) -> None:
        queue = a_queue(*(f"a{number}" for number in range(999)), "b1")

        assert [queue.pop(), queue.pop()] == ["a0", "b1"]

    def test_puts_who_comes_back_behind_the_others(self) -> None:
        queue = a_queue("a1", "b1", "b2")
        queue.pop()
        queue.push("a", "a2")

        assert emptied(queue) == ["b1", "a2", "b2"]


class TestPush:
    @pytest.mark.parametrize(
        ("there", "item", "refused"),
        [
            (("a1", "a2"), "a3", "a3"),
            (("a1", "a2"), "b1", "a2"),
            (("a1", "b1"), "c1", "c1"),
            (("a1", "b1"), "a2", "a2"),
        ],
        ids=["its own", "the longest's newest", "all have one", "its own of several"],
    )
    def test_refuses_the_newest_of_who_has_most_once_it_is_full(
        self, there: tuple[str, ...], item: str, refused: str
    ) -> None:
        queue = a_queue(*there, limit=2)

        assert queue.push(item[0], item) == refused
        assert sorted(emptied(queue)) == sorted({*there, item} - {refused})

    def test_refuses_everything_where_nothing_may_wait(self) -> None:
        assert a_queue(limit=0).push("a", "a1") == "a1"


class TestRemove:
    def test_takes_out_who_is_there(self) -> None:
        queue = a_queue("a1", "a2", "b1")

        assert [queue.remove("a", "a1"), queue.remove("a", "a1"), queue.remove("c", "c1")] == [True, False, False]
        assert emptied(queue) == ["a2", "b1"]
