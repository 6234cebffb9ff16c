"""Put messages of the Python API into the words of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from thm_torchmetrics import catalog

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result

_FLAGS = {
    "align": "--align {value}",
    "missing": "--missing {value}",
    "resize": "--resize {value}",
    "average": "--average {value}",
    "fps": "--fps {value}",
    "every": "--every {value}",
    "min_track": "--min-track {value}",
    "min_face_size": "--min-face-size {value}",
    "tracks": "--tracks {value}",
    "face_id": "--au-face-id {value}",
    "min_confidence": "--au-min-confidence {value}",
    "successful_only": "--au-successful-only",
    "protocol": "--metrics {key}:{value}",
    "extractor": "--extractor {key}={value}",
    "weights": "--weights NAME={value}",
}
"""The options of `thm score` by the argument that they set; all other options of metrics are set by ``--option``."""

_BOTH = re.compile(r"`?\b\w+=`? in Python, (--)")
"""A remedy in both languages: ``weights= in Python, --weights NAME=FILE``."""
_BRACKETS = re.compile(r"`?\b\w+=`? \((--[^()]*)\)")
"""Likewise: ``face_id= (--au-face-id)``."""
_OPTION = re.compile(r"(?<![\w-])option (?=[\w:-]+\.\w+=)")
"""An option of one metric: ``option csim.reference=image``."""


def on_command_line(name: str, value: object = None, key: str = "") -> str:
    """Return an option of `thm_torchmetrics.score` as it is typed: ``--every 2``, ``--extractor lmd=dlib``."""
    option = "DATA" if name == "data" else f"--{name.replace('_', '-')}"
    if value is None:
        return option
    return f"{option} {key}={value}" if key else f"{option} {value}"


def in_cli_words(text: str, keys: Iterable[str] = ()) -> str:
    """Return a message with options as one writes them on the command line.

    ``pass resize="bilinear"`` becomes ``pass --resize bilinear``, and ``reference="image"`` becomes
    ``--option csim.reference=image``.

    Args:
        text: the message.
        keys: the metrics that it is about, with protocols or not.
    """
    if "=" not in text:
        return text  # the metrics, and torch with them, are not imported to refuse a misspelled key
    owners = _owners()
    asked = [key.partition(":")[0] for key in keys]

    def written(match: re.Match[str]) -> str:
        name, value = match["name"], (match["value"] or "VALUE").strip("\"'")
        known = owners.get(name, list(catalog.CATALOG))
        key = next((key for key in asked if key in known), known[0] if len(known) < len(catalog.CATALOG) else "KEY")
        form = _FLAGS.get(name, f"--option {{key}}.{name}={{value}}")
        if not match["value"]:
            form = form.removesuffix(" {value}")
        return form.format(key=key, value=shlex.quote(value))

    text = _OPTION.sub("--option ", _BRACKETS.sub(r"\1", _BOTH.sub(r"\1", text)))
    names = "|".join(sorted(_FLAGS.keys() | owners.keys(), key=len, reverse=True))
    value = r"\"[^\"]*\"|'[^']*'|[-+]?\w+(?:[.]\w+)*"
    return re.sub(rf"(?<![\w.-])`?(?P<name>{names})=(?P<value>{value})?`?", written, text)


def put_into_cli_words(result: Result) -> None:
    """Change the messages of a result."""
    result.skipped = {key: in_cli_words(reason, [key]) for key, reason in result.skipped.items()}
    result.notes = [in_cli_words(note) for note in result.notes]
    result.metrics = {
        key: metric if metric.why is None else replace(metric, why=in_cli_words(metric.why, [key]))
        for key, metric in result.metrics.items()
    }
    for clip in result.clips:
        clip.errors = [_error(error) for error in clip.errors]
        clip.notes = [in_cli_words(note) for note in clip.notes]
        clip.metrics = {
            key: score if score.detail is None else replace(score, detail=_detail(key, score.detail))
            for key, score in clip.metrics.items()
        }


def _error(text: str) -> str:
    """Return an error of a clip, which begins with the metrics that it is about: ``psnr, ssim: ...``."""
    keys, sign, reason = text.partition(": ")
    return keys + sign + in_cli_words(reason, keys.split(", "))


def _detail(key: str, detail: Mapping[str, object]) -> dict[str, object]:
    return {name: in_cli_words(value, [key]) if isinstance(value, str) else value for name, value in detail.items()}


@cache
def _owners() -> dict[str, list[str]]:
    """Return the metrics that have an option, by the option's name."""
    from thm_torchmetrics.scoring.metric_options import known_options

    owners: dict[str, list[str]] = {}
    for key in catalog.CATALOG:
        for name in known_options(key):
            owners.setdefault(name, []).append(key)
    return owners
