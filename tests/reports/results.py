"""Results of runs that never took place, for the tests of their reports."""

from typing import Any

from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.scoring.result import ClipResult, ClipScore, MetricResult, Result


def own_extractor(key: str) -> str | None:
    """The network of a protocol, unless the user names another."""
    choice = find_choice(key)
    return choice.row.protocol(choice.protocol).options.get("extractor", choice.row.default_extractor)


def metric(key: str, value: float | None = 0.5, **others: Any) -> MetricResult:
    """The result of a metric of the catalog, as the catalog describes it."""
    choice = find_choice(key)
    facts = {
        "unit": choice.scale.unit, "higher_is_better": choice.scale.higher_is_better, "protocol": choice.protocol,
        "extractor": own_extractor(key), "frames": 3, "clips": 1, "coverage": 1.0, "left_out": 0,
    }  # fmt: skip
    return MetricResult(value, **(facts | others))


def result(keys: tuple[str, ...] = ("psnr", "csim"), names: tuple[str, ...] = ("a",), **provenance: Any) -> Result:
    """A result of clips by name, each with every metric, without anything remarkable."""
    clips = [ClipResult(name, metrics={key: ClipScore(0.5, 3, 0) for key in keys}) for name in names]
    return Result(provenance, {key: metric(key) for key in keys}, clips, {})


def with_real_videos() -> Result:
    """A result of two clips, with the real videos scored by the metrics that need no reference."""
    found = result(("psnr", "cpbd"), ("a", "b"))
    found.metrics = {
        "psnr": metric("psnr", float("inf")),
        "cpbd": metric("cpbd", 0.25, detail={"target": {"value": 0.75, "clips": 2, "coverage": 1.0, "detail": None}}),
    }
    for clip, real in zip(found.clips, (0.7, float("inf")), strict=True):
        clip.metrics = {
            "psnr": ClipScore(float("inf"), 3, 0),
            "cpbd": ClipScore(None, 0, 0, {"target": {"value": real}}),
        }
    return found
