"""Executors: one way each to work on a target. They start work, at most once per key, and read what became of it.

Nothing here decides whether work should begin, and no result is believed but the mark's own (see mark.sh).
"""
