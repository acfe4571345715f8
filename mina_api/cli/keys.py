"""`mina keys`: files of keys, changed while servers read them."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mina_api.cli.output import Failure
from mina_api.settings import lines_in, new_secret

app = typer.Typer(
    name="keys", add_completion=False, help="Keys in files, which running servers read anew.", no_args_is_help=True
)


@app.callback()
def keys() -> None:
    """Keys in files, which running servers read anew."""


@app.command()
def rotate(
    file: Annotated[Path, typer.Argument(help="one key a line; made where there is none")],
    keep: Annotated[int, typer.Option(min=0, help="how many of the older keys stay, to verify and to decrypt")] = 1,
) -> None:
    """Put a new key before those in FILE: it signs and encrypts from now on; the oldest beyond --keep go.

    The file is replaced at once: no server reads half of it. Tokens of a key that goes are refused from then on.
    """
    target = file.resolve()
    try:
        older = lines_in(target) if target.exists() else []
        kept = [new_secret(), *older[:keep]]
        _replace(target, "".join(f"{key}\n" for key in kept))
    except ValueError as failure:
        raise Failure(str(failure)) from None
    except OSError as failure:
        raise Failure(f"{file} cannot be written: {failure.strerror}", code=1) from None
    gone = len(older) + 1 - len(kept)
    typer.echo(f"{file}: a new key is first, {len(kept) - 1} of the older stay, {gone} went")


def _replace(target: Path, text: str) -> None:
    """Write `target` anew in one step, for the same readers as before; for its owner alone where it is new."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    written = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        if target.exists():
            before = target.stat()
            written.chmod(before.st_mode & 0o777)
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(written, before.st_uid, before.st_gid)
        written.replace(target)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
