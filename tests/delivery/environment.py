"""What is deployed, and the environment that Mina reads."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from mina_api.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

# Read by uvicorn.
FORWARDED = "FORWARDED_ALLOW_IPS"
GROUPS: list[Any] = [field.annotation for field in Settings.model_fields.values()]
FIELDS = {variable_name(group, name): field for group in GROUPS for name, field in group.model_fields.items()}
VARIABLES = {*FIELDS, FORWARDED}
REQUIRED = {name for name, field in FIELDS.items() if field.is_required()}


def read(path: Path) -> dict[str, Any]:
    """The one document of a YAML file."""
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document
