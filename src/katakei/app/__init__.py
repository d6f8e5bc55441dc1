"""Package app_."""
