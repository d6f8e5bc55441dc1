"""Package planning."""
