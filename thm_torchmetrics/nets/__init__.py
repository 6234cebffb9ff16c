"""The networks, one architecture per module: plain torch, no loading, state-dict keys of the published checkpoints."""
