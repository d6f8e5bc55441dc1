"""A local AWS on loopback: an endpoint, a data plane and servers to rehearse rolling updates on.

The lab imports nothing of the other packages. It implements AWS's behavior from its own reading of the AWS
documentation, so that a misunderstanding in Katakei shows in the tests. It listens on loopback only. Everything that a
lab starts ends with it, even if the lab is killed.
"""
