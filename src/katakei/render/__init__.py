"""Render: values as text, JSON and HTML. Every sentence that a person reads is written here or in an interface."""
