"""The journal in PostgreSQL: how a process is connected, the versions of the schema, and what its errors mean.

The rows and the SQL are those of the SQLite journal (`sql_journal`, `sql_writer`, `lease_rows`, `rollout_headers`).
"""
