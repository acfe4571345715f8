"""What is tested only where its server is found."""

from tests.programs import NGINX
from tests.topologies.postgres import PGBOUNCER

FOUND = {"test_pgbouncer.py": PGBOUNCER, "test_nginx.py": NGINX}
collect_ignore = [name for name, program in FOUND.items() if program is None]
