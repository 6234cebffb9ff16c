"""Define the command ``thm doctor``."""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib import metadata

import click

_CORE = ("thm-torchmetrics", "torch", "torchvision", "torchmetrics", "numpy", "scipy", "scikit-image", "av", "lpips")
_EXTRAS = {
    "lightning": "lightning",
    "fan": "face-alignment",
    "dlib": "dlib-bin",
    "insightface": "insightface",
}


@click.command()
def doctor() -> None:
    """List the installed versions, for a bug report or to see why a metric is skipped."""
    click.echo(f"python        {platform.python_version()} ({sys.executable})")
    click.echo(f"platform      {platform.platform()}")
    for name in _CORE:
        click.echo(f"{name:<14}{_version(name) or 'NOT INSTALLED'}")
    for extra, package in _EXTRAS.items():
        click.echo(f"[{extra}]".ljust(14) + (_version(package) or f"absent: pip install 'thm-torchmetrics[{extra}]'"))
    if importlib.util.find_spec("av"):
        from thm_torchmetrics.media.container import library_versions

        libraries = ", ".join(f"{name} {version}" for name, version in library_versions().items())
        click.echo(f"ffmpeg        {libraries}")
    if importlib.util.find_spec("torch"):
        import torch

        devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        click.echo(f"devices       cpu ({torch.get_num_threads()} threads){''.join(f', {name}' for name in devices)}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
