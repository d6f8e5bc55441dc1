"""Package system."""
