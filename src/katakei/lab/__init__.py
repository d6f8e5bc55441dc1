"""AWS on loopback: an endpoint, a data plane and servers, so that anyone can rehearse a rolling update.

The lab is a stranger to the rest of Katakei: it imports nothing of it, holds its own reading of how AWS
behaves, and listens on loopback only. What it starts ends with it, also when it is killed.
"""
