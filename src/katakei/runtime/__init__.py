"""The runtime: one durable turn of a rollout, the session that takes it, and the lease that permits it."""
