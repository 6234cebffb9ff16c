"""The published lip-sync pipelines."""
