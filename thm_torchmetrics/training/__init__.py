"""This room holds a Lightning callback and a sampler for training loops."""
