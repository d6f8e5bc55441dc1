"""The benchmarks: what people use today and Katakei, side by side on the lab. `make bench` runs all of it.

Each peer is the real, unmodified tool, and nothing here is believed that a tool says of itself.
"""
