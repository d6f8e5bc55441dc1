"""The store of access (tokens, sessions, audit log) in SQLite or PostgreSQL, and the slow hash of secrets."""
