"""Probes: one way each to know that nothing is pending on a target. A probe asks and changes nothing."""
