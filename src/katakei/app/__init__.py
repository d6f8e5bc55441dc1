"""The use cases that every interface calls: rollouts, commands to a running rollout, and queries."""
