"""For training loops: a Lightning callback and a sampler."""
