"""This room holds networks, one architecture per module.

They are plain torch, load nothing, and have the state-dict keys of the published checkpoints.
"""
