"""The application for `uvicorn mina_api.main:app`."""

import sys

from mina_api.app import create_app
from mina_api.settings import SettingsError

try:
    app = create_app(owns_process=True)
except SettingsError as mistakes:
    for line in mistakes.lines:
        print(f"mina: {line}", file=sys.stderr)
    raise SystemExit(2) from None
