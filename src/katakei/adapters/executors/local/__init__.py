"""The executor `local`: work on this machine by the user's own deploy tool, once per target.

Nothing is imported here: the keeper is a program of its own and starts quickly.
"""
