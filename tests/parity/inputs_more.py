"""More deterministic inputs, in the manner of ``inputs.py`` (same random stream, integer arithmetic).

``rebuild`` here knows these makers and those of ``inputs.py``.
"""

from __future__ import annotations

import numpy as np

from parity import inputs


def motion(seed, name, frames, columns, beat=4, grain=0, swing=256):
    """float64 (frames, columns): smooth random curves plus grain, exact multiples of 1/(256 * beat).

    Each column is a lattice of integers in [-swing, swing), one node per ``beat`` frames (take a power
    of two), interpolated linearly in time; integers in [-grain, grain] are added; the sum is divided
    by 256.  With the defaults the values lie in [-1, 1).
    """
    nodes = inputs.integers(seed, name + "/lattice", (frames // beat + 2, columns), -swing, swing)
    smooth = inputs._stretch(nodes, frames, beat, 0)
    rough = inputs.integers(seed, name + "/grain", (frames, columns), -grain, grain + 1)
    return (smooth + beat * rough) / (256.0 * beat)


def cloud(seed, name, points, dims=3, spread=1024):
    """float64 (points, dims): multiples of 1/1024 in [-spread/1024, spread/1024)."""
    return inputs.integers(seed, name, (points, dims), -spread, spread) / 1024.0


def numbers(seed, name, shape, low, high):
    """int64 array of ``shape`` with values in [low, high)."""
    return inputs.integers(seed, name, tuple(shape), low, high)


def rebuild(recipe):
    """As ``inputs.rebuild``, with the makers of this file too."""
    makers = {f.__name__: f for f in (motion, cloud, numbers)}
    if recipe["make"] not in makers:
        return inputs.rebuild(recipe)
    array = makers[recipe["make"]](**recipe["args"])
    if inputs.fingerprint(array) != recipe["sha256"]:
        raise ValueError(f"input {recipe['args']} came out different from the recorded one")
    return array
