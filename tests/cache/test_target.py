import pytest

from mina_api.cache.redis_tier import TlsFiles, parse_target
from mina_api.cache.redis_tier.target import SCHEMES
from mina_api.settings import REDIS_SCHEMES


class TestParseTarget:
    @pytest.mark.parametrize(
        ("url", "kind", "addresses", "database"),
        [
            ("redis://", "server", (("localhost", 6379),), 0),
            ("redis://r:1/2", "server", (("r", 1),), 2),
            ("redis://[::1]:1/2?db=3", "server", (("::1", 1),), 3),
            ("rediss://r", "server", (("r", 6379),), 0),
            ("redis+sentinel://a,b:1/mina/2", "sentinel", (("a", 26379), ("b", 1)), 2),
            ("redis+cluster://a:1,b", "cluster", (("a", 1), ("b", 6379)), 0),
        ],
    )
    def test_names_the_servers_and_the_database(
        self, url: str, kind: str, addresses: tuple[tuple[str, int], ...], database: int
    ) -> None:
        target = parse_target(url)

        assert (target.kind, target.addresses, target.options["db"]) == (kind, addresses, database)
        assert target.uses_tls is url.startswith("rediss")

    def test_of_a_socket_is_its_path(self) -> None:
        target = parse_target("unix:///run/a%20b.sock?db=1")

        assert (target.kind, dict(target.options)) == ("socket", {"path": "/run/a b.sock", "db": 1})

    def test_has_the_name_that_sentinels_know_and_what_they_are_told_of_us(self) -> None:
        target = parse_target("rediss+sentinel://u:p%40@a/the%20name/0?sentinel_password=s&ssl_ca_certs=/ca.pem")

        assert target.service == "the name"
        assert target.options == {"username": "u", "password": "p@", "db": 0, "ssl_ca_certs": "/ca.pem"}
        assert target.sentinel_options == {"password": "s", "ssl_ca_certs": "/ca.pem"}

    def test_takes_the_files_of_the_settings_for_what_the_url_leaves_out(self) -> None:
        files = TlsFiles("/ca.pem", "/own.pem", "/own.key")

        assert parse_target("rediss://r?ssl_ca_certs=/other.pem&ssl_check_hostname=no", files).options == {
            "db": 0,
            "ssl_ca_certs": "/other.pem",
            "ssl_certfile": "/own.pem",
            "ssl_keyfile": "/own.key",
            "ssl_check_hostname": False,
        }
        assert parse_target("redis://r", files).options == {"db": 0}

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://:hush@r", "begins with"),
            ("redis+sentinel://:hush@a,b", "name the server"),
            ("redis+cluster://:hush@a/1", "database 0"),
            ("redis://:hush@a/one", "number of a database"),
            ("redis://:hush@a:b", "no number"),
            ("redis://:hush@a?socket_timeout=9", "no parameter socket_timeout"),
        ],
    )
    def test_says_what_is_wrong_and_no_password(self, url: str, why: str) -> None:
        with pytest.raises(ValueError, match=why) as raised:
            parse_target(url)

        assert "hush" not in str(raised.value)

    @pytest.mark.parametrize("scheme", REDIS_SCHEMES)
    def test_knows_every_scheme_of_the_settings(self, scheme: str) -> None:
        rest = {"sentinel": "r/name/0", "socket": "/r.sock"}

        kind = SCHEMES[scheme.removesuffix("://")]

        assert parse_target(scheme + rest.get(kind, "r")).kind == kind
