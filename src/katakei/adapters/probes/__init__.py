"""Witnesses: one file per way to know that nothing is pending on a target. A witness asks and changes nothing."""
