"""This room holds the base classes of metrics, and clips, runs and sums."""
