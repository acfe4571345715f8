"""`python -m mina_api.cli`: the `mina` command where it is not on PATH."""

from mina_api.cli import main

main()
