"""Run the command ``thm`` by ``python -m thm_torchmetrics``."""

from thm_torchmetrics.cli import main

if __name__ == "__main__":
    main()
