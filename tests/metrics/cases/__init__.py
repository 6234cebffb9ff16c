"""For every metric of the catalog: how to make it, clips to show it, and its value by somebody else's code."""

from itertools import chain

from metrics.cases import (
    action_units,
    emotion,
    face3d,
    fid,
    identity,
    image_quality,
    landmarks,
    lipsync,
    lpips,
)
from metrics.cases.case import Case, ClipInputs

__all__ = ["CASES", "Case", "ClipInputs"]

_FAMILIES = (image_quality, lpips, fid, landmarks, identity, lipsync, emotion, face3d, action_units)

CASES: dict[str, Case] = {case.name: case for case in chain(*(family.CASES for family in _FAMILIES))}
"""Every case by name; processes find theirs by it."""
