"""Load balancers: a pure projection to an Envoy snapshot, and what hands it out."""
