"""Write the options of a run as a TOML file for ``thm score --config``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.scoring.result import Result


def to_toml(result: Result) -> str:
    """Return the options that were given, and in comments what they were resolved to.

    Paths stand as they were given: the run is repeated from the folder in which it was made. Files of options are
    not among the outputs, so that a repeated run does not write its own.

    Raises:
        InputError: if a text is not UTF-8.
    """
    given: Mapping[str, Any] = result.provenance.get("arguments", {})
    version = result.provenance.get("versions", {}).get("thm-torchmetrics", "")
    comments = [f"thm-torchmetrics {version}, {result.provenance.get('created', '')}"]
    comments += [text for text in (result.provenance.get("command"),) if text]
    lines = [*(f"# {printable(text)}" for text in comments), ""]
    for key, value in given.items():
        if key == "output":
            value = [path for path in value if not path.lower().endswith(".toml")]
        if value != []:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join([*lines, "", *(f"# {printable(text)}" for text in _resolved(result)), ""])


def check_storable(arguments: Mapping[str, Any]) -> None:
    """Raise an error if TOML cannot hold the options.

    Raises:
        InputError: if a text is not UTF-8.
    """
    for value in arguments.values():
        _value(value)


def _resolved(result: Result) -> Iterator[str]:
    """Yield what the run used: the device, the options of each metric, the checkpoints."""
    if device := result.provenance.get("device"):
        yield f"device {device}"
    options = result.provenance.get("options", {})
    for key, metric in result.metrics.items():
        facts = {"protocol": metric.protocol, "extractor": metric.extractor, **options.get(key, {})}
        yield f"{key}: {', '.join(f'{name}={value}' for name, value in facts.items() if value is not None)}"
    for name, entry in result.provenance.get("weights", {}).items():
        yield f"checkpoint {name}: {entry.get('file')}, sha256 {entry.get('sha256')}"


def _value(value: Any) -> str:
    """Return a value in TOML.

    Raises:
        InputError: if a text is not UTF-8.
    """
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else repr(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"a TOML file cannot hold the name {printable(value)}, which is not UTF-8; rename it, or write no .toml"
        ) from error
    # strings of JSON are strings of TOML, but for DEL
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
