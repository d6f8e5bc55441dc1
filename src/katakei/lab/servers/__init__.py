"""Servers of the lab as real processes on loopback addresses, with the sample application."""
