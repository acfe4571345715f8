"""The import contracts in `pyproject.toml`: no module is left out of them."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
LAYERS, CACHE, SETTINGS, CORE = CONTRACTS
READ_SETTINGS = {"app", "cli", "composition", "dev", "main", "settings"}


def modules() -> set[str]:
    """What is directly in `mina_api`."""
    paths = (ROOT / "mina_api").iterdir()
    names = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}
    return names - {"__init__"}


def of_mina(names: list[str]) -> set[str]:
    return {name.removeprefix("mina_api.") for name in names}


class TestContracts:
    def test_have_every_module_in_a_layer(self) -> None:
        layers = {name.strip() for layer in LAYERS["layers"] for name in layer.split("|")}

        assert LAYERS["exhaustive"] is True
        assert layers == modules()

    def test_keep_all_else_from_the_cache(self) -> None:
        assert of_mina(CACHE["forbidden_modules"]) == modules() - {"cache"}

    def test_name_all_that_may_not_read_settings(self) -> None:
        assert of_mina(SETTINGS["source_modules"]) == modules() - READ_SETTINGS

    def test_let_the_cache_know_frameworks_in_two_packages_alone(self) -> None:
        assert {"fastapi", "starlette", "pydantic", "redis", "sqlalchemy"} <= set(CORE["forbidden_modules"])
        assert {each.split(" -> ")[0] for each in CORE["ignore_imports"]} == {
            *("mina_api.cache.fastapi", "mina_api.cache.fastapi.*", "mina_api.cache.redis_tier.*")
        }
