"""A Katakei server as a foreign thing: its API, and the ports of the domain over it."""
