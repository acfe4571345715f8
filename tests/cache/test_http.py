import pytest

from mina_api.cache.http import (
    cache_status,
    directives,
    entity_tag,
    forbids_storing,
    matches,
    parse_demand,
    takes_zstd,
    varies_on,
)
from mina_api.cache.outcome import ANY, Demand, Outcome, Served
from tests.cache.test_entry import an_entry


class TestDirectives:
    def test_reads_names_in_any_case_quoted_arguments_and_the_first_of_repeated_ones(self) -> None:
        found = directives('No-Cache, max-age="60", ext="a, b", max-age=90')

        assert found == {"no-cache": None, "max-age": "60", "ext": "a, b"}


class TestParseDemand:
    @pytest.mark.parametrize(
        ("header", "demand"),
        [
            (None, ANY),
            ("", ANY),
            ("no-cache", Demand(reload=True)),
            ("no-cache, no-store", Demand(reload=True, store=False)),
            ("max-age=0", Demand(reload=True, max_age=0.0)),
            ("max-age=30", Demand(max_age=30.0)),
            ("max-age=soon", Demand(reload=True, max_age=0.0)),
            ("min-fresh=5, only-if-cached", Demand(min_fresh=5.0, only_if_cached=True)),
            ("max-stale=5", Demand(max_stale=5.0)),
            ("max-stale", Demand(max_stale=2.0**31)),
            ("max-stale=soon", ANY),
            ("my-no-cache", ANY),
            ("max-age=-1", Demand(reload=True, max_age=0.0)),
            ("max-age=1.5", Demand(reload=True, max_age=0.0)),
            ("max-age=\u0663\u0660", Demand(reload=True, max_age=0.0)),
            ("max-age=99999999999999999999", Demand(max_age=1e20)),
            ("max-age", Demand(reload=True, max_age=0.0)),
            ("min-fresh=soon", Demand(min_fresh=float("inf"))),
            ("NO-CACHE", Demand(reload=True)),
            ('no-cache="set-cookie"', Demand(reload=True)),
        ],
    )
    def test_reads_each_directive_by_itself(self, header: str | None, demand: Demand) -> None:
        assert parse_demand(header) == demand


class TestDemand:
    def test_refuses_an_entry_that_is_too_old_or_not_fresh_for_long_enough(self) -> None:
        entry = an_entry(created=100.0, fresh_until=160.0)

        assert ANY.accepts(entry, 130.0)
        assert not ANY.accepts(entry, 160.0)
        assert not Demand(max_age=20).accepts(entry, 130.0)
        assert not Demand(min_fresh=40).accepts(entry, 130.0)
        assert not Demand(reload=True).accepts(entry, 100.0)


class TestMatches:
    def test_compares_weakly_and_reads_lists(self) -> None:
        assert matches('"a", W/"b"', '"b"')
        assert matches('W/"b"', 'W/"b"')
        assert matches("*", '"b"')
        assert matches('"x,y"', '"x,y"')
        assert not matches('"a"', '"b"')
        assert not matches("b", '"b"')


class TestForbidsStoring:
    def test_of_what_is_one_persons_or_says_so(self) -> None:
        assert forbids_storing(((b"set-cookie", b"a=b"),))
        assert forbids_storing(((b"Cache-Control", b"private, no-store"),))
        assert forbids_storing(((b"vary", b"Accept, *"),))
        assert forbids_storing(((b"content-encoding", b"gzip"),))
        assert not forbids_storing(((b"cache-control", b"private"), (b"etag", b'"1"'), (b"vary", b"Accept")))


class TestVariesOn:
    def test_reads_every_line_in_any_case(self) -> None:
        assert varies_on(((b"Vary", b"Accept, ACCEPT-Language,"), (b"vary", b"x-a"))) == {
            "accept", "accept-language", "x-a"
        }  # fmt: skip
        assert varies_on(((b"via", b"x"),)) == frozenset()


class TestTakesZstd:
    @pytest.mark.parametrize(
        ("header", "takes"),
        [
            ("gzip, zstd", True),
            ("ZSTD;q=0.5", True),
            ("zstd;q=0", False),
            ("zstd; q=0.000", False),
            ("zstd;q=0.001", True),
            ("*", False),
            ("zstdx", False),
            ("", False),
        ],
    )
    def test_is_for_who_names_it(self, header: str, takes: bool) -> None:
        assert takes_zstd(header) is takes


class TestCacheStatus:
    def test_says_what_happened_in_rfc_9211s_words(self) -> None:
        entry = an_entry(created=100.0, fresh_until=700.0)

        assert cache_status(Served(entry, Outcome.HIT, "l2"), 288.0) == "mina; hit; ttl=412; detail=l2"
        assert cache_status(Served(entry, Outcome.MISS, stored=True), 100.0) == "mina; fwd=uri-miss; stored; ttl=600"
        assert cache_status(Served(entry, Outcome.STALE), 100.0) == "mina; fwd=stale"
        assert cache_status(Served(entry, Outcome.BYPASS), 100.0) == "mina; fwd=bypass"
        assert cache_status(Served(entry, Outcome.MISS, "redis-down"), 100.0) == "mina; fwd=uri-miss; detail=redis-down"


class TestEntityTag:
    def test_changes_with_the_body(self) -> None:
        assert entity_tag(b"a") != entity_tag(b"b")
        assert entity_tag(b"a").startswith(b'"')
