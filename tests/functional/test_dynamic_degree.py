"""Dynamic degree against VBench."""

import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta

from thm_torchmetrics.functional.dynamic_degree import fastest_flow, is_dynamic


def test_the_fastest_flow_is_vbench_s() -> None:
    flow = torch.from_numpy(build.flows(golden_meta("frames")))
    assert fastest_flow(flow).numpy() == pytest.approx(golden("frames")["dynamic_scores"], rel=1e-6)


def test_threshold_and_count_are_vbench_s() -> None:
    for height, width, frames, threshold, count in golden("frames")["dynamic_params"]:
        size, pairs, needed = (int(height), int(width)), int(frames) - 1, int(count)
        above = torch.full((pairs,), threshold - 1e-6)
        assert is_dynamic(above, size) == (needed == 0)
        above[:needed] = threshold + 1e-6
        assert is_dynamic(above, size)


def test_the_rule_is_vbench_s() -> None:
    for frames, above, result in golden("frames")["dynamic_rule"]:
        threshold = 6 * 40 / 256
        fastest = torch.full((int(frames) - 1,), threshold, dtype=torch.float64)
        fastest[: max(int(above), 0)] += 1e-3
        assert is_dynamic(fastest, (40, 56)) == bool(result), (frames, above)


def test_the_whole_way_is_vbench_s() -> None:
    flow = torch.from_numpy(build.flows(golden_meta("frames")))
    for factor, result in golden("frames")["dynamic_infer"]:
        assert is_dynamic(fastest_flow(factor * flow), (40, 56)) == bool(result)


def test_a_rate_below_8_raises_the_threshold() -> None:
    fastest = torch.full((15,), 7.0)
    assert is_dynamic(fastest, (256, 256), fps=25)
    assert not is_dynamic(fastest, (256, 256), fps=4)


def test_a_pair_with_a_hole_has_no_value() -> None:
    flow = torch.zeros(2, 2, 8, 8)
    flow[1, 0, 3, 3] = torch.nan
    assert fastest_flow(flow).isnan().tolist() == [False, True]
