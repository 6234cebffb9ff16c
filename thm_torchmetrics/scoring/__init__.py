"""This room scores a dataset of files and returns a result."""
