"""Notifiers: how messages reach people."""
