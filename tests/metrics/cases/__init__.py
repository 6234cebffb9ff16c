"""For every metric of the catalog: how to make it, clips to show it, and its value by somebody else's code."""

from itertools import chain

from metrics.cases import (
    action_units,
    emotion,
    eyes_and_mouth,
    face3d,
    fid,
    fvd,
    identity,
    image_quality,
    kid,
    landmarks,
    lip_reading,
    lipsync,
    lpips,
    meshes,
    motion,
    no_reference,
    pixel_error,
    sequences,
)
from metrics.cases.case import Case, ClipInputs

from thm_torchmetrics.catalog import CATALOG

__all__ = ["CASES", "SAME_FORMULA", "Case", "ClipInputs"]

_FAMILIES = (
    image_quality,
    pixel_error,
    no_reference,
    lpips,
    fid,
    fvd,
    kid,
    landmarks,
    identity,
    lipsync,
    emotion,
    face3d,
    action_units,
    motion,
    eyes_and_mouth,
    meshes,
    lip_reading,
    sequences,
)

CASES: dict[str, Case] = {case.name: case for case in chain(*(family.CASES for family in _FAMILIES))}
"""Every case by name; processes find theirs by it."""

_AFFECT = [key for key in CATALOG if key[:2] in ("v-", "a-")]
_LIP_SYNC = [key for key, row in CATALOG.items() if row.module in ("lipsync", "lipsync_gap")]

SAME_FORMULA: dict[str, str] = {
    **{f"{key}:thm": f"{key} extractor=None" for key in _AFFECT},
    **{f"{key}:{each}": f"{key} extractor=None" for key in _LIP_SYNC for each in CATALOG[key].protocols[1:]},
    **dict.fromkeys(("av-offset:vico", "av-offset:signed"), "av-offset:signed extractor=None"),
    **{f"lpips:{net}": "lpips extractor=MeanDistance()" for net in ("vgg", "squeeze")},
    "lve:facediffuser": "lve lips=(0, 2, 2)",
    "niqe:mmagic-y": "niqe extractor=None",
    "csim:vico": "csim extractor=None",
    "aed-id:aligned": "aed-id extractor=None",
    **dict.fromkeys(("fvd:common-metrics", "fvd:latentsync"), "fvd extractor=None num_features=2"),
    "fvd:cd-fvd": "fvd:styleganv extractor=None num_features=2",
    **dict.fromkeys(("fid:torch-fidelity", "fid:clean-fid"), "fid extractor=None num_features=2"),
}
"""Protocols that make features in another way and do the same with them: the case whose value they share."""
