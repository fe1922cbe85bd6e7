"""The one place that constructs: wires ports to adapters and serves."""
