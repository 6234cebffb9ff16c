"""Write a small sample dataset (two talking portraits, real and "generated"), to try ``thm score`` on."""

import argparse

from thm_torchmetrics.demo.sample import make_sample

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where to write it")
    folder = make_sample(parser.parse_args().folder)
    print(f"Now run: thm score {folder}")
