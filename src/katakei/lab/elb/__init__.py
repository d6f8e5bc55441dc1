"""The lab's ELBv2: its state, its API, its health checks and the configuration of the data plane.

`states` holds pure functions, `target_state` holds the current values, `api` answers calls, `sync_loop` updates the
data plane. This is an independent implementation of AWS's behavior; it knows nothing of Katakei.
"""
