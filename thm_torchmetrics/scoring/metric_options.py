"""Read options of metrics from text, by the constructors' signatures."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from torch import nn

from thm_torchmetrics import catalog
from thm_torchmetrics.collection import make_metric, metric_class, option_names
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MissingExtraError, ThmError
from thm_torchmetrics.extractors.registry import find_extractor
from thm_torchmetrics.scoring.sketch import sketch

_ELSEWHERE = {
    "protocol": "name the protocol after a colon, as in `metrics=` in Python, --metrics {key}:PROTOCOL",
    "extractor": "it is a network; name one by `extractor=` in Python, --extractor {key}=NAME",
    "weights": "they are files; name them by `weights=` in Python, --weights NAME=FILE",
}
"""Options of constructors that other options of the command line set."""
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", NoneType: "none"}


def options_by_metric(asked: Iterable[str], given: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, Any]]:
    """Return the options of single metrics, checked by name and type.

    Args:
        asked: metric keys, with protocols or not.
        given: key, name and value of each option as text; a key with a protocol holds for that one, a key alone for all
            protocols of the metric.

    Returns:
        For each of ``asked`` its own options by name.

    Raises:
        InputError: if a metric is not asked for, has no such option, or does not take the value.
    """
    asked = tuple(asked)
    chosen: dict[str, dict[str, Any]] = {text: {} for text in asked}
    exact: dict[str, dict[str, Any]] = {text: {} for text in asked}
    for key, name, value in given:
        places = [text for text in asked if key in (catalog.unaligned(text), catalog.find_choice(text).row.key)]
        option = f"option {key}.{name}={value}"
        if not places:
            raise InputError(f"{option}: {key!r} is none of the metrics asked for, {', '.join(asked)}")
        try:
            parsed = _parsed(catalog.find_choice(places[0]).row, name, value)
        except InputError as error:
            raise InputError(f"{option}: {error}") from error
        for text in places:
            (exact if key == catalog.unaligned(text) else chosen)[text][name] = parsed
    options = {text: chosen[text] | exact[text] for text in asked}
    for text, own in options.items():
        if own:
            without_network(text, own)
    return options


def without_network(text: str, options: Mapping[str, Any], extractor: str | None = None) -> TalkingHeadMetric:
    """Make a metric with its options, without its network, to check the options before anything is fetched.

    Args:
        text: the metric, with a protocol or not.
        options: options by name.
        extractor: the network that was chosen for it; default: its own.

    Raises:
        InputError: if an option has no such value.
    """
    try:
        made = sketch(text, extractor, options).metric
        if made is not None:
            return made
        # a package of the network is not installed: what it would be is of no matter for the options
        network = {"extractor": nn.Identity()} if catalog.find_choice(text).row.extractors else {}
        return make_metric(text, {**options, **network})
    except (InputError, MissingExtraError) as error:
        given = ", ".join(f"option {text}.{name}={value}" for name, value in options.items())
        cause = error.__cause__ if isinstance(error.__cause__, ThmError) else error
        raise InputError(f"{given}: {cause}") from error


@cache
def settable_options(cls: type[TalkingHeadMetric]) -> dict[str, Any]:
    """Return the type of every option of a metric that text can give, by its name."""
    types: dict[str, Any] = {}
    for parent in cls.__mro__:
        if issubclass(parent, TalkingHeadMetric) and "__init__" in vars(parent):
            hints = get_type_hints(parent.__init__)
            names = inspect.signature(parent.__init__).parameters
            types = {name: hints[name] for name in names if name in hints} | types
    return {name: types[name] for name in sorted(types.keys() & option_names(cls) - _ELSEWHERE.keys())}


def known_options(key: str) -> tuple[str, ...]:
    """Return the names of the options of a metric of the catalog that text can give."""
    return tuple(settable_options(metric_class(catalog.find_row(key))))


def deviations(members: Mapping[str, TalkingHeadMetric]) -> dict[str, list[str]]:
    """Return the options of each metric that differ from those of its protocol, as ``name=value``.

    ``align="truncate"`` is what the command does unless it is told otherwise, the landmarks of an extractor of the same
    name come with it, and given features have none.
    """
    found = {}
    for name, metric in members.items():
        if not metric.key:  # of no row of the catalog
            continue
        usual, own = without_network(f"{metric.key}:{metric.protocol}", {}).settings(), metric.settings()
        implied = {("align", "truncate"), ("landmarks", str(metric.extractor)), ("landmarks", None)}
        options = [option for option in known_options(metric.key) if option not in ("missing", "protocol")]
        found[name] = [
            f"{option}={own[option]}"
            for option in options
            if option in own and own[option] != usual.get(option) and (option, own[option]) not in implied
        ]
    return found


def _parsed(row: catalog.Row, name: str, text: str) -> Any:
    known = settable_options(metric_class(row))
    if name in _ELSEWHERE:
        raise InputError(f"{row.key} takes no {name!r} here: {_ELSEWHERE[name].format(key=row.key)}")
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f", did you mean {close[0]!r}" if close else ""
        raise InputError(f"{row.key} has no option {name!r}{hint}; it has {', '.join(known)}")
    for kind in _alternatives(known[name]):
        try:
            value = _converted(kind, text)
        except (KeyError, ValueError):
            continue
        if name == "landmarks" and value is not None:
            find_extractor("landmarks", value, "landmarks")
        return value
    raise InputError(f"{name} of {row.key} must be {_in_words(known[name])}, got {text!r}")


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union that text can give, None first, or the one type."""
    if get_origin(kind) in (Union, UnionType):
        parts = (part for part in get_args(kind) if part in _WORDS or get_origin(part) is Literal)
        return tuple(sorted(parts, key=lambda part: part is not NoneType))
    return (kind,)


def _converted(kind: Any, text: str) -> Any:
    """Return a text as a value of a type.

    Raises:
        KeyError: if it is none of the type's words.
        ValueError: if it is no number.
    """
    if get_origin(kind) is Literal:
        return {str(value): value for value in get_args(kind)}[text]
    if kind is NoneType:
        return {"none": None}[text.lower()]
    if kind is bool:
        return _BOOLEANS[text.lower()]
    if kind is float and not math.isfinite(float(text)):
        raise ValueError(text)
    return kind(text)


def _in_words(kind: Any) -> str:
    words = []
    for part in _alternatives(kind):
        words += [str(value) for value in get_args(part)] if get_origin(part) is Literal else [_WORDS[part]]
    return " or ".join(words)
