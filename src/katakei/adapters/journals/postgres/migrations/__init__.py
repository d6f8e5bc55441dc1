"""The migrations of the schema in PostgreSQL; each file in `versions` is one version, and is never changed later."""
