"""The actions of the ELBv2 API, one module per kind of resource, and the table that dispatches to them."""
