"""The ``lpips`` package with a seeded classifier, and that classifier as a checkpoint."""

import warnings
from pathlib import Path

import lpips
import torch


def theirs(net: str) -> lpips.LPIPS:
    """Return the package's network; its classifier is seeded, its channel weights are the published ones."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, about the way the package asks for a model
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def checkpoint(network: lpips.LPIPS, path: Path) -> Path:
    """Write the classifier as torchvision's file would hold it."""
    state = {key.split(".", 1)[1]: value for key, value in network.net.state_dict().items()}
    held = {f"features.{key}": value for key, value in state.items()}
    torch.save(held | {"classifier.1.weight": torch.ones(1)}, path)
    return path
