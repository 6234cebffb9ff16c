"""A member that fails: alone in one pass over a clip; with all others, or not at all, in ``update`` and ``forward``.

`tests/core/test_one_pass.py` has every exception at every step.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from ddp.process_group import ProcessGroup
from metrics.cases import CASES, Case
from metrics.torchmetrics_members import Recorder
from torch import Tensor
from torchmetrics import CatMetric, MaxMetric, MeanMetric, Metric, MinMaxMetric, SpearmanCorrCoef

from thm_torchmetrics import Clip, IdentitySimilarity, PeakSignalNoiseRatio, StructuralSimilarity, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Metric `SpearmanCorrcoef` will save")

ERRORS = [RuntimeError("r"), ValueError("v"), ZeroDivisionError("z")]
STEPS = ["start", "add", "finish"]


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


OF_TWO_SIDES = {name: case for name, case in CASES.items() if all(value.ndim > 1 for value in case.clips[0].values())}
"""The cases whose inputs `TalkingHeadMetrics.add_clip` takes as a generated and a real clip: no labels, no times."""


@pytest.fixture(params=OF_TWO_SIDES.values(), ids=OF_TWO_SIDES.keys())
def two_sides(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


def breaking(metric: TalkingHeadMetric, step: str, error: Exception, clip: int) -> TalkingHeadMetric:
    """Let a metric raise an error at a step of its n-th clip, past its check of attributes."""
    start = metric.start
    count = 0

    def broken(preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        nonlocal count
        count += 1
        if count != clip:
            return start(preds, target, **inputs)
        if step == "start":
            raise error
        run = start(preds, target, **inputs)
        vars(run)[{"add": "measure", "finish": "close"}[step]] = _raiser(error)
        return run

    vars(metric)["start"] = broken
    return metric


def _raiser(error: Exception) -> Callable[..., None]:
    def fail(*args: Any) -> None:
        raise error

    return fail


def pairs(case: Case) -> list[tuple[AnyClip | None, AnyClip | None]]:
    """The clips of a case as `TalkingHeadMetrics.add_clip` takes them."""
    metric = case.make()
    return [pair for clip in case.clips for pair in metric.pairs(*([*clip.values(), None][:2]))]


@pytest.mark.parametrize(("step", "error"), list(zip(STEPS, ERRORS, strict=True)), ids=STEPS)
def test_in_one_pass_a_member_that_raises_anything_stays_alone(two_sides: Case, step: str, error: Exception) -> None:
    case = two_sides
    members = {"broken": breaking(case.make(missing="error"), step, error, clip=2), "good": case.make()}
    metrics = TalkingHeadMetrics(dict(members))
    scores, failures = [], []
    clips = [clip for clip in case.clips if not any(value.isnan().any() for value in clip.values() if value.ndim)]
    case = Case(case.key, clips, case.reference, case.options, case.tolerance)
    for preds, target in pairs(case):
        failed: dict[str, Exception] = {}
        scores.append(metrics.add_clip(["broken", "good"], preds, target, failures=failed))
        failures.append(failed)
    assert failures == [{}, {"broken": error}, *[{}] * (len(clips) - 2)]
    assert [set(each) for each in scores] == [{"broken", "good"}, {"good"}, *[{"broken", "good"}] * (len(clips) - 2)]
    values = metrics.compute()
    assert values["good"].item() == pytest.approx(case.reference(clips), rel=case.tolerance, abs=1e-6)
    rest = case.reference([clips[0], *clips[2:]])
    assert values["broken"].item() == pytest.approx(rest, rel=case.tolerance, abs=1e-6)


def test_in_one_pass_without_a_place_for_failures_no_member_is_changed(two_sides: Case) -> None:
    case = two_sides
    members = {"good": case.make(), "broken": breaking(case.make(resize="bilinear"), "finish", ERRORS[0], clip=1)}
    metrics = TalkingHeadMetrics(dict(members))
    with pytest.raises(RuntimeError, match="r"):
        metrics.add_clip(["good", "broken"], *pairs(case)[1])
    assert not any(member.sums.any() for member in metrics.members().values())


NUMBERS = torch.tensor([[3.0, 1.0, 2.0], [5.0, 4.0, 9.0], [8.0, 7.0, 6.0], [0.0, 2.0, 1.0]])


def batches(case: Case) -> list[dict[str, Any]]:
    """The clips of a case, with what torchmetrics' members take, by their names."""
    return [{**clip, "value": row, "x": row, "y": row.flip(0)} for clip, row in zip(case.clips, NUMBERS, strict=False)]


class Rank(SpearmanCorrCoef):
    """Under names that no talking-head metric has."""

    def update(self, x: Tensor, y: Tensor) -> None:
        super().update(x, y)


class Wrapped(MinMaxMetric):
    def update(self, value: Tensor) -> None:
        super().update(value)

    def forward(self, value: Tensor) -> Any:
        return super().forward(value)


def collection(case: Case, call_that_fails: int, step: str = "finish", last: bool = True) -> TalkingHeadMetrics:
    """A case beside torchmetrics' metrics, and a member that fails in its n-th clip, at the end or at the front."""
    theirs: dict[str, Metric] = {
        "mean": MeanMetric(), "largest": MaxMetric(), "all": CatMetric(), "rank": Rank(), "seen": Recorder(),
    }  # fmt: skip
    ours: dict[str, Metric] = {"good": case.make()}
    if call_that_fails:
        broken = breaking(case.make(resize="bilinear"), step, ZeroDivisionError("broken"), call_that_fails)
        return TalkingHeadMetrics({**theirs, **ours, "zz": broken} if last else {"aa": broken, **ours, **theirs})
    return TalkingHeadMetrics(theirs | ours)


FLAGS = ("_is_synced", "_to_sync", "_should_unsync", "_enable_grad", "_cache", "_update_count", "compute_on_cpu")


def flags(metrics: TalkingHeadMetrics) -> dict[str, dict[str, Any]]:
    parts = {
        f"{name}.{i}": part
        for name, member in metrics.items(keep_base=True, copy_state=False)
        for i, part in enumerate(each for each in member.modules() if isinstance(each, Metric))
    }
    return {name: {flag: getattr(part, flag) for flag in FLAGS} for name, part in parts.items()}


def values(metrics: TalkingHeadMetrics) -> dict[str, Any]:
    """The values of all members but the one that fails."""
    return {name: value.tolist() for name, value in metrics.compute().items() if name not in ("aa", "zz")}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.filterwarnings("ignore:SpeechLipCorrelation is NaN")  # a correlation over clips; one has none
@pytest.mark.parametrize(
    ("call", "step", "last"),
    [("update", "start", True), ("forward", "add", True), ("update", "finish", True), ("forward", "finish", False)],
    ids=["start", "add", "finish", "finish of the first member"],
)
def test_a_batch_is_taken_by_all_members_or_by_none(case: Case, call: str, step: str, last: bool) -> None:
    """Torchmetrics' own as well, whether they keep numbers or lists; a later batch is as if none had failed.

    The members before the one that failed kept the batch, and `compute` was of different data by member.
    """
    # every forward of the failing member measures its clip once, as full_state_update is off
    metrics, reference = collection(case, 3, step, last), collection(case, 0)
    given = batches(case)
    for batch in given[:2]:
        metrics.update(**batch)
        reference.update(**batch)
    computed = values(metrics)
    assert_same(computed, values(reference))
    before = flags(metrics)
    with pytest.raises(ZeroDivisionError, match="broken"):
        getattr(metrics, call)(**given[2])
    assert flags(metrics) == before
    assert_same(values(metrics), computed)
    for batch in given[2:]:
        getattr(metrics, call)(**batch)
        reference.update(**batch)
    assert_same(values(metrics), values(reference))


@pytest.mark.filterwarnings("ignore:SpeechLipCorrelation is NaN")  # a correlation over clips; one has none
def test_the_first_batch_of_all_may_be_the_one_that_fails(case: Case) -> None:
    metrics, reference = collection(case, 1), collection(case, 0)
    with pytest.raises(ZeroDivisionError, match="broken"):
        metrics.forward(**batches(case)[1])
    assert not any(member.update_called for member in metrics.values(copy_state=False))
    for batch in batches(case)[1:]:
        metrics.update(**batch)
        reference.update(**batch)
    assert_same(values(metrics), values(reference))


@pytest.mark.parametrize("call", ["update", "forward"])
def test_a_member_of_torchmetrics_that_fails_keeps_the_batch_from_ours(call: str) -> None:
    class Failing(MeanMetric):
        def update(self, value: Tensor) -> None:
            super().update(value)
            raise ZeroDivisionError("theirs")

    case = CASES["psnr"]
    metrics = TalkingHeadMetrics({"ours": case.make(), "theirs": Failing()})
    with pytest.raises(ZeroDivisionError, match="theirs"):
        getattr(metrics, call)(**case.clips[1], value=NUMBERS[1])
    assert not metrics.members()["ours"].sums.any()
    assert metrics["theirs"].mean_value == 0


@pytest.mark.parametrize("call", ["update", "forward"])
def test_wrappers_of_torchmetrics_take_a_batch_with_all_others_or_not_at_all(call: str) -> None:
    case = CASES["psnr"]
    broken = breaking(case.make(), "finish", ZeroDivisionError("broken"), 1)
    metrics = TalkingHeadMetrics({"aa": Wrapped(MeanMetric()), "zz": broken})
    with pytest.raises(ZeroDivisionError, match="broken"):
        getattr(metrics, call)(**case.clips[1], value=NUMBERS[1])
    metrics.update(**case.clips[1], value=NUMBERS[0])
    found = {name: value.item() for name, value in metrics.compute().items() if name in ("min", "max", "raw")}
    assert found == {"min": 2.0, "max": 2.0, "raw": 2.0}


@pytest.mark.parametrize("call", ["update", "forward"])
def test_a_list_of_clips_of_which_the_last_is_bad_is_taken_by_no_member(case: Case, call: str) -> None:
    metrics = TalkingHeadMetrics({"one": case.make(), "other": case.make(resize="bilinear")})
    clips = {name: [clip[name] for clip in case.clips] for name in case.clips[0]}
    name = next(iter(clips))
    clips[name] = [*clips[name][:-1], clips[name][-1][:0]]  # no frame
    with pytest.raises(InputError, match=r"T.* >= 1"):
        getattr(metrics, call)(**clips)
    assert not any(member.sums.any() for member in metrics.members().values())
    assert not any(member.update_called for member in metrics.members().values())


def test_processes_agree_after_one_of_them_failed(processes: ProcessGroup) -> None:
    """The rank whose batch fails goes on; the flags by which ranks sync are as before."""
    answers = processes.run("metrics.ddp_workers:compute_after_failure", "psnr")
    clips = CASES["psnr"].clips
    kept = [clips[1], clips[2], clips[3]]
    assert answers == pytest.approx([CASES["psnr"].reference(kept)] * 3, rel=1e-5)


class ThirdPartyError(Exception):
    """What a detector of somebody else's raises: it takes arguments of its own, and its text cannot be made."""

    def __init__(self, code: int, *, place: str) -> None:
        super().__init__(code)
        self.place = place

    def __str__(self) -> str:
        raise LookupError("no text")


ANY_ERRORS = [
    RuntimeError("Given input size: (192x1x1)"), KeyError("k"), MemoryError(), torch.OutOfMemoryError("no memory left"),
    OSError(5, "input/output error"), StopIteration("s"), AssertionError(), RecursionError("deep"), ImportError("i"),
    AttributeError("'tuple' object has no attribute 'to'"), UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"),
    ArithmeticError("a"), NotImplementedError("n"), ExceptionGroup("g", [ValueError("v")]), InputError("own"),
    torch.linalg.LinAlgError("not converged"), ThirdPartyError(3, place="detector"), Exception(),
]  # fmt: skip
ALL_STEPS = ["start", "add", "extract", "finish", "score", "contribution"]


class BreakingExtractor:
    """An extractor that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def extract(self, chunk: Chunk) -> Tensor:
        raise self.error


def breaking_at(step: str, error: Exception) -> TalkingHeadMetric:
    metric = IdentitySimilarity(extractor=torch.nn.Flatten(), align="truncate")
    if step in ("start", "add", "finish"):
        return breaking(metric, step, error, clip=1)
    if step == "extract":
        vars(metric)["extractor"] = BreakingExtractor(error)
    else:
        vars(metric)[step] = _raiser(error)
    return metric


@pytest.mark.parametrize("step", ALL_STEPS)
@pytest.mark.parametrize("error", ANY_ERRORS, ids=[type(error).__name__ for error in ANY_ERRORS])
def test_whatever_a_member_raises_the_others_have_the_same_bits(step: str, error: Exception) -> None:
    """An error in the score of a member cost the clip of all others, whose states held it already."""
    others: dict[str, Callable[[], TalkingHeadMetric]] = {
        "psnr": PeakSignalNoiseRatio, "ssim": StructuralSimilarity,
        "csim": lambda: IdentitySimilarity(extractor=torch.nn.Flatten()),
    }  # fmt: skip
    preds, target = (Clip(clip) for clip in CASES["psnr"].clips[1].values())
    alone = TalkingHeadMetrics({name: make() for name, make in others.items()})
    expected = alone.add_clip(list(others), preds, target)
    for first in (True, False):
        members: dict[str, Metric] = {name: make() for name, make in others.items()}
        broken: dict[str, Metric] = {"broken": breaking_at(step, error)}
        metrics = TalkingHeadMetrics(broken | members if first else members | broken)
        failures: dict[str, Exception] = {}
        assert metrics.add_clip([*others, "broken"], preds, target, failures=failures) == expected
        assert failures == {"broken": error}
        assert not metrics.members()["broken"].sums.any()
        for name, member in alone.members().items():
            assert torch.equal(metrics.members()[name].sums, member.sums)


def test_without_a_place_for_failures_an_error_in_a_score_changes_no_member() -> None:
    preds, target = (Clip(clip) for clip in CASES["psnr"].clips[1].values())
    for step in ("score", "contribution"):
        broken = breaking_at(step, ZeroDivisionError("z"))
        metrics = TalkingHeadMetrics({"aa": PeakSignalNoiseRatio(), "mm": broken, "zz": StructuralSimilarity()})
        with pytest.raises(ZeroDivisionError):
            metrics.add_clip(["aa", "mm", "zz"], preds, target)
        assert not any(member.sums.any() for member in metrics.members().values())


@pytest.mark.parametrize("step", ["start", "add", "extract", "finish", "contribution"])
@pytest.mark.parametrize("error", ANY_ERRORS, ids=[type(error).__name__ for error in ANY_ERRORS])
def test_whatever_a_member_raises_update_adds_to_none(step: str, error: Exception) -> None:
    clip = CASES["psnr"].clips[1]
    for call in ("update", "forward"):
        broken = breaking_at(step, error)
        metrics = TalkingHeadMetrics({"aa": PeakSignalNoiseRatio(), "mm": broken, "zz": StructuralSimilarity()})
        with pytest.raises(type(error)):
            getattr(metrics, call)(*clip.values())
        assert not any(member.sums.any() for member in metrics.members().values())
        assert not any(member.update_called for member in metrics.members().values())
