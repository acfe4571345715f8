"""Where the `mina` command begins, and `python -m mina_api.cli`."""

import gc

# What is imported stays: looked through again and again, it would take a fifth of the time of a start.
gc.disable()

from mina_api.cli import main  # noqa: E402

gc.enable()

if __name__ == "__main__":
    main()
