"""`mina serve` with a weaker cache."""

import argparse
import os

import uvicorn

from mina_api import app
from mina_api.cache.redis_tier import RedisTier
from tests.system.history.variants.weak_tiers import DeleteAfterCommit, PlainTtl, Unacknowledged

NO_MEMORY = {"MINA_CACHE_MEMORY_BYTES": "0"}
TIERS: dict[str, tuple[type[RedisTier], dict[str, str]]] = {
    "plain-ttl": (PlainTtl, NO_MEMORY),
    "delete-after-commit": (DeleteAfterCommit, NO_MEMORY),
    "unacknowledged": (Unacknowledged, {}),
}


def main() -> None:
    """Serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("variant", choices=TIERS)
    arguments.add_argument("--port", type=int, required=True)
    chosen = arguments.parse_args()
    tier, environment = TIERS[chosen.variant]
    os.environ.update(environment)
    setattr(app, "RedisTier", tier)  # noqa: B010  (where the composition root takes its tier from)
    uvicorn.run(app.create_app(), host="127.0.0.1", port=chosen.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
