"""The system that Katakei runs on: its clock, its processes, and keeping it awake."""
