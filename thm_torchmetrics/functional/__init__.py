"""The mathematics of the metrics: tensor in, tensor out; no network, no file, no state."""
