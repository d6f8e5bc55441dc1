"""Pure decisions: from a rollout, an observation and the time to the actions of a turn."""
