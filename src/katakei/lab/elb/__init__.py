"""The lab's ELBv2: what a load balancer knows of its targets, how it says so on the wire, and what its traffic does.

`states` is pure (values and time in, values out), `truth` holds the values, `wire` and the `api_*` files answer calls.
Nothing here knows the controller this lab serves: it is a reading of its own of how AWS behaves.
"""
