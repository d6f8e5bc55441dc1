"""The data plane: one Envoy process that behaves as an Application Load Balancer."""
