"""`docs/caching.md`: what it shows is what happens, and what it lists is what there is."""

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from mina_api.cache.config import CacheConfig
from mina_api.settings import CacheSettings, RedisSettings, variable_name
from tests.cache.services import a_cache, complete_register
from tests.docs.pages import Page

GUIDE = Path(__file__).parents[2] / "docs" / "caching.md"


class TestTheGuide:
    async def test_shows_what_happens(self, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", valkey_url)
        async with a_cache(valkey_url):
            await complete_register(valkey_url)
        page, namespace = Page(GUIDE), dict[str, Any]()

        try:
            await page.run(namespace)
        finally:
            await namespace["stack"].aclose()

        assert page.shown == page.promised > 90

    def test_lists_every_field_of_the_configuration_with_its_default(self) -> None:
        rows = re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]+) \|", GUIDE.read_text(), re.MULTILINE)
        listed = {
            name.strip("` "): value.strip()
            for names, values in rows
            for name, value in zip(names.split(","), values.split(","), strict=True)
        }

        assert listed == {each.name: _default(each) for each in fields(CacheConfig)}

    def test_names_every_setting_of_the_cache_and_no_other(self) -> None:
        named = set(re.findall(r"MINA_(?:CACHE|REDIS)_[A-Z_]+", GUIDE.read_text()))
        cache = {variable_name(CacheSettings, name) for name in CacheSettings.model_fields}
        redis = {variable_name(RedisSettings, name) for name in RedisSettings.model_fields}

        assert cache <= named
        assert named <= cache | redis


def _default(field: Field[Any]) -> str:
    return str(field.default if field.default is not MISSING else getattr(CacheConfig(), field.name))
