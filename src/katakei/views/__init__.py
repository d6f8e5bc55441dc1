"""One file per way to show a rollout: functions from values to text or markup, which never look, decide or wait."""
