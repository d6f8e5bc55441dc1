"""Executors: one way each to work on a target. They start work at most once per key, and read what became of it.

Nothing here decides whether work should begin. Only the mark's own result is believed (see mark.sh).
"""
