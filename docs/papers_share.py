"""Print the share of published tables that the catalog can fill.

Of 492 talking-head papers of 2023 to 2026 whose tables could be read, `papers_share.csv` has the number whose whole
automatic table can be filled once the metrics of a step, and of all steps before it, exist; run time, human votes and
audio quality are left out, and a metric counts as soon as one protocol of it exists. `paper_counts.csv` has the number
of papers that report each metric. Both are counts by regular expressions over the papers' tables, made once, and lower
bounds: tables that are pictures are missing. The papers themselves are not counted here: what is computed is which of
the counted metrics the catalog has. A step counts if all of its keys are there. The counts are of the steps in their
order, so nothing can be said of a step behind one that is incomplete.

Usage: python docs/papers_share.py
"""

import csv
from pathlib import Path

from thm_torchmetrics.catalog import CATALOG

PAPERS = 492
HERE = Path(__file__).parent


def read(name: str) -> list[dict[str, str]]:
    """Return the rows of a table beside this file."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def filled(steps: list[dict[str, str]], keys: set[str]) -> int:
    """Return the papers whose whole table the keys fill: those of the last step before one that is incomplete."""
    papers = 0
    for step in steps:
        if not keys >= set(step["needs"].split()):
            break
        papers = int(step["papers"])
    return papers


def main() -> None:
    """Print both tables."""
    keys = set(CATALOG)
    steps = read("papers_share.csv")
    print("whole tables, step by step")
    for step in steps:
        lacking = ", ".join(key for key in step["needs"].split() if key not in keys)
        share = f"{int(step['papers']) / PAPERS:6.1%}"
        print(f"  {step['step']:30}{step['papers']:>5}{share:>8}  {'lacks ' + lacking if lacking else 'complete'}")
    papers = filled(steps, keys)
    print(f"the catalog fills the whole automatic table of {papers} of {PAPERS} papers: {papers / PAPERS:.1%}\n")
    print("papers that report a metric")
    for row in read("paper_counts.csv"):
        have = [key for key in row["keys"].split() if key in keys]
        print(f"  {row['metric']:20}{row['papers']:>5}{int(row['papers']) / PAPERS:>8.1%}  {', '.join(have) or '-'}")


if __name__ == "__main__":
    main()
