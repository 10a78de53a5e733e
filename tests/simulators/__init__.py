"""Local counterparts the tests talk to: a real nginx, a misbehaving server, a PostgreSQL cluster, a browser."""
