"""From a dataset of files to a result: pairing, plan, run."""
