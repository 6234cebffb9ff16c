"""Turn results into plain JSON and back, without losing infinity."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from thm_torchmetrics.errors import InputError

REMEDY = "name a file as `thm score -o FILE.json` writes it"
"""What to do with a file that holds no result."""


def to_json(value: Any) -> Any:
    """Return a value with None for each number that JSON cannot hold.

    ``"infinite": {"value": "inf"}`` in the same mapping tells infinity from no value.
    """
    if isinstance(value, Mapping):
        infinite = {key: str(item) for key, item in value.items() if isinstance(item, float) and math.isinf(item)}
        return {key: to_json(item) for key, item in value.items()} | ({"infinite": infinite} if infinite else {})
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_json(value: Any) -> Any:
    """Return a value of `to_json` with its infinite numbers."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    plain = {key: from_json(item) for key, item in value.items()}
    infinite = plain.get("infinite")
    if not (isinstance(infinite, dict) and infinite and set(infinite.values()) <= {"inf", "-inf"}):
        return plain
    del plain["infinite"]
    return plain | {key: float(text) for key, text in infinite.items()}


def read_json(path: Path) -> Any:
    """Return the content of a JSON file in UTF-8, with or without a mark at its start.

    Raises:
        InputError: if it cannot be read; the message names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; {REMEDY}") from error
    except (ValueError, RecursionError) as error:  # of JSON, or of UTF-8
        raise InputError(f"{path} is not JSON: {error}; {REMEDY}") from error


def typed(value: Any, kind: Any, name: str) -> Any:
    """Return a value of JSON as an object of a type: a dataclass, a list or mapping of such, a number, a text.

    Fields that a dataclass does not know are passed over.

    Args:
        value: the value.
        kind: the type.
        name: what to call the value in messages.

    Raises:
        InputError: if it is of another type, or lacks a field; the message says which.
    """
    origin, parts = get_origin(kind) or kind, get_args(kind)
    if origin is Any:
        return value
    if isinstance(kind, UnionType):
        return None if value is None and NoneType in parts else typed(value, parts[0], name)
    if is_dataclass(kind):
        return _dataclass_of(typed(value, dict[str, Any], name), kind, name)
    accepted: Any = (int, float) if kind is float else origin
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{name} is {value!r:.60}, and {_WORDS.get(origin, origin.__name__)} is needed")
    if kind is float and isinstance(value, int) and abs(value) > sys.float_info.max:
        raise InputError(f"{name} is {value!r:.60} and must fit into 64 bits")
    if origin is list:
        return [typed(item, parts[0], f"{name}[{i}]") for i, item in enumerate(value)]
    if origin in (dict, Mapping):
        return {key: typed(item, parts[1], f"{name}.{key}") for key, item in value.items()}
    return value


_WORDS = {
    dict: "an object", Mapping: "an object", list: "a list", str: "a text", int: "a whole number", float: "a number",
    bool: "true or false",
}  # fmt: skip


def _dataclass_of(plain: Mapping[str, Any], kind: Any, name: str) -> Any:
    kinds = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name in plain:
            values[field.name] = typed(plain[field.name], kinds[field.name], f"{name}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{name} lacks {field.name!r}; {REMEDY}")
    return kind(**values)
