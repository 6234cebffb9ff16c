"""Check the parts of a result of which its fields say only that they are mappings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.json_form import typed

_PROVENANCE = {
    "versions": dict[str, Any],
    "numerics": dict[str, Any],
    "options": dict[str, dict[str, Any]],
    "weights": dict[str, dict[str, Any]],
    "features": dict[str, dict[str, Any]],
    "deviations": dict[str, list[str]],
    "media": dict[str, dict[str, int]],
    "action_units": dict[str, Any],
    "arguments": dict[str, Any],
    "inputs": dict[str, Any],
    "every": int,
}
_ARGUMENTS = {"fps": float | None}
_DETAIL = {"target": dict[str, Any], "tracks": list[dict[str, Any]]}
_TARGET = {"value": float | None}


def check_parts(result: Mapping[str, Any], name: str) -> None:
    """Raise an error unless what reports and comparisons read of a result from a file is of the form that they need.

    Args:
        result: the JSON of the result, whose fields are of their types.
        name: what to call it in messages.

    Raises:
        InputError: if a part is of another form, or two clips have one name; the message names the part.
    """
    provenance = result["provenance"]
    _check(provenance, _PROVENANCE, f"{name}.provenance")
    _check(provenance.get("arguments", {}), _ARGUMENTS, f"{name}.provenance.arguments")
    for key, metric in result["metrics"].items():
        _check_detail(metric.get("detail"), f"{name}.metrics.{key}")
    for i, clip in enumerate(result["clips"]):
        for key, score in clip.get("metrics", {}).items():
            _check_detail(score.get("detail"), f"{name}.clips[{i}].metrics.{key}")
    twice = [clip for clip, times in Counter(clip["clip"] for clip in result["clips"]).items() if times > 1]
    if twice:
        raise InputError(f"{name} has the clip {twice[0]!r} more than once; score the dataset again")


def _check_detail(detail: Mapping[str, Any] | None, name: str) -> None:
    if detail is not None:
        _check(detail, _DETAIL, f"{name}.detail")
        _check(detail.get("target", {}), _TARGET, f"{name}.detail.target")


def _check(parts: Mapping[str, Any], kinds: Mapping[str, Any], name: str) -> None:
    for part, kind in kinds.items():
        if part in parts:
            typed(parts[part], kind, f"{name}.{part}")
