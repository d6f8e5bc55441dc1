"""EC2 of the lab: moto keeps the records, the servers are the instances."""
