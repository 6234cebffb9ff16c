"""The metrics: an extractor, where one is needed, and the mathematics of `functional` over a state of sums."""
