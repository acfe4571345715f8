"""What is tested only where its server is found."""

from tests.topologies.postgres import PGBOUNCER

collect_ignore = [] if PGBOUNCER is not None else ["test_pgbouncer.py"]
