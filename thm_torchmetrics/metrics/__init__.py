"""A metric joins an extractor, if it needs one, to a formula of `functional`."""
