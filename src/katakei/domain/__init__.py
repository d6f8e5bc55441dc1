"""Values of a rollout: targets, plans, events, phases, observations, actions, errors. It imports no other package."""
