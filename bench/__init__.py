"""Benchmarks: common tools and Katakei side by side on the lab. `make bench` runs all of them.

Each tool is the real, unmodified one. Nothing that a tool reports of itself is used.
"""
