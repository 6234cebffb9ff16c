"""This room holds what training loops need: a Lightning callback, a sampler, and the collation of clips."""
