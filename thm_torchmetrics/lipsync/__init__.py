"""This room holds the published lip-sync pipelines."""
