"""This room makes the sample dataset."""
