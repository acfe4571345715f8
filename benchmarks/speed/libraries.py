"""The floor of a start: a server that imports of other packages what `mina serve` imports of them, and has one answer.

`python -m benchmarks.speed.libraries` prints the names of those modules, in the order in which they are imported;
with a port and a file of such names it imports them and serves there.
"""

import gc
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def names() -> Iterator[str]:
    """The modules of installed packages that the whole of Mina has imported; the environment has its settings."""
    for name in ("mina_api.cli", "mina_api.cli.serve", "mina_api.main"):
        import_module(name)
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    for name, module in list(sys.modules.items()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if origin is not None and origin.startswith(installed):
            yield name


async def app(scope: dict[str, Any], _: Any, send: Any) -> None:
    """Answer anything (ASGI 3)."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def serve(port: int, modules: list[str]) -> None:
    """Import `modules`, then serve; some cannot be imported but by what imports them."""
    gc.disable()
    for module in modules:
        with suppress(ImportError):
            import_module(module)
    import_module("uvicorn").run(app, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(int(sys.argv[1]), Path(sys.argv[2]).read_text().split())
    else:
        print("\n".join(names()))
