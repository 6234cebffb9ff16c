"""What a metric is: clips, runs, sums."""
