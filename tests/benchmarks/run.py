"""Our speed beside that of the reference libraries: ``python tests/benchmarks/run.py [NAME]...``.

Every other module of this folder that has a function ``comparisons`` adds lines to the table; a name picks one of them.
"""

import importlib
import sys
from pathlib import Path

import torch


def main(names: list[str]) -> None:
    """Print the table, line by line as it is measured."""
    torch.set_num_threads(2)
    print(f"{'what':44}{'size':>11}{'ours ms/frame':>15}{'peer ms/frame':>15}{'ratio':>8}{'target':>8}")
    for name in names or sorted(path.stem for path in Path(__file__).parent.glob("*.py")):
        for row in getattr(importlib.import_module(name), "comparisons", list)():
            target = "" if row.target is None else f"{row.target:g}"
            print(f"{row.name:44}{row.size:>11}{row.ours:15.3f}{row.peer:15.3f}{row.ratio:8.2f}{target:>8}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
