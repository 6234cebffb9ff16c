"""Fingerprints: equal only where a metric may treat two values alike."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from thm_torchmetrics.core.fingerprint import fingerprint, weights_digest


@dataclass(frozen=True)
class Settings:
    side: int
    name: str = "a"
    told: list[int] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class OtherSettings:
    side: int
    name: str = "a"


EQUAL: list[tuple[Any, Any]] = [
    (1, 1),
    (0.1, 0.1),
    (None, None),
    ("x", "x"),
    ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    ([1, 2], (1, 2)),
    ({3, 1}, {1, 3}),
    (frozenset("ab"), {"b", "a"}),
    (torch.eye(2), torch.eye(2)),
    (np.arange(3), np.arange(3)),
    (Path("a/b"), Path("a/b")),
    (torch.float32, torch.float32),
    (torch.device("cpu"), torch.device("cpu")),
    (Settings(1), Settings(1)),
    (Settings(1, told=[1]), Settings(1, told=[2])),  # what equality leaves out
    (int, int),
]

DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1, 1.0),
    (1, "1"),
    (True, 1),
    (0.0, -0.0),
    (0.1, 0.1 + 1e-17 + 1e-16),
    (None, "None"),
    ("a, b", ("a", "b")),
    (["a"], "['a']"),
    ([1, 2], [2, 1]),
    ([[1], 2], [1, [2]]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, [("a", 1)]),
    (torch.eye(2), torch.eye(2, dtype=torch.float64)),
    (torch.zeros(2, 3), torch.zeros(3, 2)),
    (torch.zeros(3), torch.tensor([0.0, 0.0, 1e-30])),
    (np.arange(3), np.arange(3).astype(float)),
    (Settings(1), Settings(2)),
    (Settings(1), OtherSettings(1)),
    (int, float),
    (lambda x: x, lambda x: x),
    (object(), object()),
    (nn.ReLU(), nn.ReLU()),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_values_have_one_fingerprint(one: Any, other: Any) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_values_have_two(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint({"x": [one]}) != fingerprint({"x": [other]})


def test_a_module_is_told_apart_by_being_that_object_and_by_its_weights() -> None:
    module = nn.Linear(3, 2)
    twin = copy.deepcopy(module)
    before = fingerprint(module)
    assert before == fingerprint(module)
    assert before != fingerprint(twin)
    with torch.no_grad():
        module.weight[0, 0] += 1e-6
    assert before != fingerprint(module)


def test_the_digest_covers_buffers_names_and_every_bit() -> None:
    norm = nn.BatchNorm1d(2)
    before = weights_digest(norm)
    assert before == weights_digest(copy.deepcopy(norm))
    norm.running_mean[1] = -0.0  # type: ignore[index]
    assert weights_digest(norm) != before
    assert weights_digest(nn.Sequential(nn.Linear(1, 1))) != weights_digest(nn.Linear(1, 1))
    half = nn.Linear(2, 2).to(torch.bfloat16)
    assert weights_digest(half) == weights_digest(copy.deepcopy(half))


def test_a_module_without_data_is_told_apart_by_its_shapes() -> None:
    assert weights_digest(nn.Linear(2, 2, device="meta")) == weights_digest(nn.Linear(2, 2, device="meta"))
    assert weights_digest(nn.Linear(2, 2, device="meta")) != weights_digest(nn.Linear(2, 3, device="meta"))


def test_values_that_hold_a_module_are_told_apart_by_it() -> None:
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    assert fingerprint({"net": one}) != fingerprint({"net": other})
    assert fingerprint([one]) == fingerprint((one,))
