"""Package reconcile."""
