"""Health checks: one way each to ask a target itself whether it is well. Asking changes nothing on the target."""
