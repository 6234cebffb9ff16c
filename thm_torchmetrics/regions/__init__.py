"""The part of the frames that a metric sees."""
