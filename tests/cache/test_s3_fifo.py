"""The bounded mapping behind L1."""

from hypothesis import given
from hypothesis import strategies as st

from mina_api.cache.s3_fifo import S3Fifo

NAMES = st.sampled_from("abcdefghij")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, st.integers(1, 60)),
        st.tuples(st.just("get"), NAMES, st.just(0)),
        st.tuples(st.just("pop"), NAMES, st.just(0)),
    ),
    max_size=80,
)


def a_cache(max_bytes: int = 100) -> tuple[S3Fifo[str], list[str]]:
    evicted: list[str] = []
    return S3Fifo(max_bytes, lambda name, _: evicted.append(name)), evicted


class TestS3Fifo:
    @given(STEPS)
    def test_is_a_mapping_that_forgets_and_never_exceeds_its_bytes(self, steps: list[tuple[str, str, int]]) -> None:
        model: dict[str, tuple[str, int]] = {}
        evicted: list[str] = []
        cache: S3Fifo[str] = S3Fifo(100, lambda name, _: evicted.append(name))

        for number, (action, name, cost) in enumerate(steps):
            evicted.clear()
            if action == "put":
                model.pop(name, None)
                if cache.put(name, f"{number}", cost):
                    model[name] = (f"{number}", cost)
            elif action == "pop":
                assert cache.pop(name) == model.pop(name, (None, 0))[0]
            else:
                assert cache.get(name) == model.get(name, (None, 0))[0]
            for gone in evicted:
                del model[gone]

            assert set(cache) == set(model)
            assert cache.used_bytes == sum(cost for _, cost in model.values()) <= 100

    def test_keeps_what_is_used_against_a_scan(self) -> None:
        cache, _ = a_cache(100)
        for name in "abcde":
            cache.put(name, name, 10)
            cache.get(name)
            cache.get(name)

        for number in range(1000):
            cache.put(f"scan {number}", "", 10)

        assert [cache.get(name) for name in "abcde"] == list("abcde")

    def test_takes_what_comes_back_for_what_is_used(self) -> None:
        cache, evicted = a_cache(100)
        for number in range(11):
            cache.put(f"{number}", "", 10)

        assert evicted == ["0"]
        cache.put("0", "again", 10)
        for number in range(100, 200):
            cache.put(f"{number}", "", 10)
        assert cache.get("0") == "again"

    def test_refuses_what_would_push_out_all_the_others(self) -> None:
        cache, evicted = a_cache(100)
        cache.put("a", "a", 10)

        assert not cache.put("large", "", 91)
        assert (cache.get("a"), cache.get("large"), evicted) == ("a", None, [])

    def test_forgets_everything_on_demand(self) -> None:
        cache, evicted = a_cache(100)
        cache.put("a", "a", 10)

        cache.clear()

        assert (len(cache), cache.used_bytes, evicted) == (0, 0, [])

    def test_lets_go_of_what_was_used_for_a_while_and_never_again(self) -> None:
        """Else the main queue would fill up with what was liked long ago."""
        cache, evicted = a_cache(100)
        for name in "abcdefghij":
            cache.put(name, name, 10)
            cache.get(name)
            cache.get(name)
        cache.put("k", "k", 10)
        liked = [name for name in "abcdefghij" if cache.get(name) is not None]
        for number in range(300):
            cache.put(f"{number}", "", 10)
            cache.get(f"{number}")
            cache.get(f"{number}")

        assert (evicted[0], len(liked)) == ("a", 9)
        assert [cache.get(name) for name in liked] == [None] * 9

    def test_keeps_what_goes_on_being_used_among_what_is_used_for_a_while(self) -> None:
        cache, _ = a_cache(100)
        misses = 0
        for number in range(300):
            for name in ("liked", "liked", f"{number}", f"{number}", f"{number}"):
                if cache.get(name) is None:
                    misses += name == "liked"
                    cache.put(name, "", 10)

        # When it is put, and when all that there is moves up at once because nothing had to go until then.
        assert misses <= 2

    def test_gives_back_the_room_of_what_is_taken_out_of_either_queue(self) -> None:
        cache, _ = a_cache(100)
        for number in range(11):
            cache.put(f"{number}", "", 10)
        cache.put("0", "in the main queue", 10)

        assert cache.pop("0") == "in the main queue"
        assert cache.pop("0") is None
        while len(cache):
            cache.pop(next(iter(cache)))
        assert cache.used_bytes == 0
