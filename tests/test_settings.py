import pytest

from mina_api.settings import SettingsError, load_settings, new_secret
from mina_api.settings.keys import check_secret

GOOD = {"DATABASE_URL": "postgresql://u:p@localhost/db", "MINA_SECRET_KEY": "0123456789abcdef0123456789abcdef"}


def lines(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """The mistakes in an environment, which is otherwise good."""
    for name, value in {**GOOD, **environment}.items():
        monkeypatch.setenv(name, value)
    try:
        load_settings()
    except SettingsError as mistakes:
        return mistakes.lines
    return []


class TestLoadSettings:
    def test_takes_a_good_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert lines(monkeypatch) == []
        assert lines(monkeypatch, REDIS_URL="", MINA_CACHE_ANALYTICS_TTL="60", MINA_LOG_LEVEL="debug") == []

    def test_says_each_mistake_in_one_line_by_the_variables_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = lines(
            monkeypatch,
            DATABASE_URL="mysql://x",
            REDIS_URL="localhost",
            MINA_SECRET_KEY="short",
            MINA_CACHE_ANALYTICS_TTL="0",
            MINA_LOG_LEVEL="LOUD",
        )

        assert [line.split()[0] for line in found] == [
            "DATABASE_URL", "REDIS_URL", "MINA_CACHE_ANALYTICS_TTL", "MINA_SECRET_KEY", "MINA_LOG_LEVEL"
        ]  # fmt: skip
        assert not any("\n" in line or "mysql" in line for line in found)

    def test_misses_what_is_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in GOOD:
            monkeypatch.delenv(name, raising=False)

        with pytest.raises(SettingsError) as mistakes:
            load_settings()

        assert mistakes.value.lines == ["DATABASE_URL is required", "MINA_SECRET_KEY is required"]

    def test_refuses_keys_of_the_cache_that_are_none_and_says_nothing_of_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for keys in ("ab" * 31, "g" * 64, f"{'ab' * 32},short"):
            found = lines(monkeypatch, MINA_CACHE_ENCRYPTION_KEYS=keys)
            assert [line.split()[0] for line in found] == ["MINA_CACHE_ENCRYPTION_KEYS"]
            assert keys not in found[0]
        monkeypatch.delenv("MINA_CACHE_ENCRYPTION_KEYS")
        assert "MINA_CACHE_SIGNING_KEYS" in lines(monkeypatch, MINA_CACHE_SERIALIZER="pickle")[0]
        good = f"{'ab' * 32}, {'CD' * 32}"
        assert lines(monkeypatch, MINA_CACHE_SIGNING_KEYS=good, MINA_CACHE_ENCRYPTION_KEYS=good) == []

    def test_refuses_a_regular_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert lines(monkeypatch, MINA_SECRET_KEY="a" * 64)[0].startswith("MINA_SECRET_KEY is too regular")

    @pytest.mark.parametrize(
        "known", ["changeme" * 8, "please-change-me-in-production-0123456789", "correct horse battery staple, by XKCD"]
    )
    def test_refuses_a_secret_that_everybody_knows(self, monkeypatch: pytest.MonkeyPatch, known: str) -> None:
        (line,) = lines(monkeypatch, MINA_SECRET_KEY=known)

        assert line.startswith("MINA_SECRET_KEY")
        assert known not in line

    def test_takes_every_secret_that_is_made_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(50):
            check_secret(new_secret())
        assert lines(monkeypatch, MINA_SECRET_KEY="", MINA_SECRET_KEY_FILE="/run/secrets/mina") == []

    def test_reads_ttls_of_endpoints_by_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert lines(monkeypatch, MINA_CACHE_ENDPOINT_TTLS="api_a.get_b=60, api_c.get_d = 7,") == []
        assert load_settings().cache.endpoint_ttls == {"api_a.get_b": 60, "api_c.get_d": 7}
        for wrong in ("api_a.get_b", "=60", "api_a.get_b=soon", "api_a.get_b=0", "{"):
            found = lines(monkeypatch, MINA_CACHE_ENDPOINT_TTLS=wrong)
            assert [line.split()[0] for line in found] == ["MINA_CACHE_ENDPOINT_TTLS"], wrong
