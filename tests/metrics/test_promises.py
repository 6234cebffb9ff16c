"""What every metric promises, metric by metric."""

import copy
import math
import pickle
import random
import warnings
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from ddp.process_group import ProcessGroup
from metrics.cases import CASES, SAME_FORMULA, Case
from torch import Tensor
from torchmetrics import MetricCollection, MetricTracker
from torchmetrics.image import PeakSignalNoiseRatio as TorchmetricsPsnr

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.catalog import CATALOG, Protocol
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError

EXACT = 1e-9


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def filled(case: Case) -> TalkingHeadMetric:
    return fill(case.make(), case)


def fill(metric: TalkingHeadMetric, case: Case) -> TalkingHeadMetric:
    for clip in case.clips:
        metric.update(**clip)
    return metric


def shapes(case: Case) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in case.clips[0].items()}


def close(value: Tensor, other: Tensor | float, tolerance: float = EXACT) -> bool:
    return float(value) == pytest.approx(float(other), rel=tolerance, abs=1e-12)


def test_every_metric_has_a_case() -> None:
    assert {case.key.partition(":")[0] for case in CASES.values()} == set(CATALOG)


def test_every_protocol_has_a_case() -> None:
    """Ten of thirteen families gave another protocol's number for one that only the catalog named."""
    named = {case.make().key + ":" + case.make().protocol for case in CASES.values()} | SAME_FORMULA.keys()
    assert named == {f"{row.key}:{protocol}" for row in CATALOG.values() for protocol in row.protocols}


@pytest.mark.parametrize("name", SAME_FORMULA)
def test_value_on_given_features_is_that_of_the_other_protocol(name: str) -> None:
    case = CASES[SAME_FORMULA[name]]
    metric = fill(replace(case, key=name).make(), case)
    assert close(metric.compute(), case.reference(case.clips), case.tolerance)


@pytest.mark.parametrize("key", CATALOG)
def test_a_protocol_without_code_cannot_run(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = CATALOG[key]
    cls = metric_class(row)
    assert set(cls.procedures) >= set(row.protocols)
    more = replace(row, published=(*row.published, Protocol("other", "nobody")))
    monkeypatch.setattr(cls, "_row", more)
    monkeypatch.setattr(cls, "protocols", more.protocols)
    with pytest.raises(InputError, match=f"the protocol 'other' of {key}, but no code computes it"):
        cls(protocol="other")


def test_value_is_that_of_the_reference(case: Case, filled: TalkingHeadMetric) -> None:
    value = filled.compute()
    assert value.shape == ()
    assert value.dtype == torch.float64
    assert close(value, case.reference(case.clips), case.tolerance)


def test_constants_are_the_catalog_s_and_frozen(filled: TalkingHeadMetric) -> None:
    scale = CATALOG[filled.key].scale_of(filled.protocol)
    bounds = tuple(bound if math.isfinite(bound) else None for bound in (scale.low, scale.high))
    assert (filled.higher_is_better, filled.unit) == (scale.higher_is_better, scale.unit)
    assert (filled.plot_lower_bound, filled.plot_upper_bound) == bounds
    assert filled.full_state_update is False
    with pytest.raises(RuntimeError):
        filled.higher_is_better = None


def test_any_split_of_the_clips_gives_the_same(case: Case, filled: TalkingHeadMetric) -> None:
    listed = case.make()
    listed.update(**{name: [clip[name] for clip in case.clips] for name in case.clips[0]})
    backwards = case.make()
    for clip in reversed(case.clips):
        backwards.update(**clip)
    batched = case.make()
    for clip in case.clips:
        batched.update(**{name: value[None] for name, value in clip.items()})
    for metric in (listed, backwards, batched):
        assert close(metric.compute(), filled.compute())


def test_chunks_of_any_length_give_the_same(case: Case, filled: TalkingHeadMetric) -> None:
    metric = case.make()
    draw = random.Random(3)  # noqa: S311
    for clip in case.clips:
        run = metric.start()
        for chunks in _chunks(list(clip.values()), draw):
            run.add(*chunks)
        metric.add(run.finish())
    assert close(metric.compute(), filled.compute(), 1e-7)


def _chunks(sides: list[Tensor], draw: random.Random) -> Iterator[list[Chunk | None]]:
    start, total = 0, max(map(len, sides))
    while start < total:
        stop = start + draw.randint(1, 3)
        yield [Chunk(side[start:stop], start) if start < len(side) else None for side in sides]
        start = stop


def test_a_broken_clip_leaves_no_trace(case: Case, filled: TalkingHeadMetric) -> None:
    before = filled.compute().clone()
    filled.start().add(*(Chunk(side) for side in case.clips[1].values()))
    filled._computed = None
    assert filled.compute() == before


@pytest.mark.filterwarnings("ignore:SpeechLipCorrelation is NaN")  # a correlation over clips; one has none
def test_forward_is_the_batch_and_accumulates(case: Case, filled: TalkingHeadMetric) -> None:
    metric = case.make()
    for clip in case.clips:
        alone = fill(case.make(), Case(case.key, [clip], case.reference, case.options))
        batch, value = metric(**clip), alone.compute()
        assert close(batch, value) or (case.key == "slcc" and batch.isnan() and value.isnan())
    assert close(metric.compute(), filled.compute())


@pytest.mark.filterwarnings("ignore:SpeechLipCorrelation is NaN")  # a correlation over clips; one has none
def test_forward_builds_no_graph(case: Case) -> None:
    clip = {name: value / (255 if value.dtype == torch.uint8 else 1) for name, value in case.clips[1].items()}
    for value in clip.values():
        value.requires_grad_()
    assert not case.make()(**clip).requires_grad


def test_reset_forgets_everything(case: Case, filled: TalkingHeadMetric) -> None:
    value = filled.compute()
    filled.reset()
    assert not filled.sums.any()
    fill(filled, case)
    assert filled.compute() == value


def test_copies_have_the_value_and_a_state_of_their_own(case: Case, filled: TalkingHeadMetric) -> None:
    for copied in (pickle.loads(pickle.dumps(filled)), filled.clone(), copy.deepcopy(filled)):  # noqa: S301
        assert copied.compute() == filled.compute()
        copied.reset()
        assert close(fill(copied, case).compute(), filled.compute())
    assert filled.update_count == len(case.clips)


def test_a_merged_state_is_that_of_both_before_and_after_compute(case: Case, filled: TalkingHeadMetric) -> None:
    first, second = case.make(), case.make()
    for i, clip in enumerate(case.clips):
        (first if i % 2 else second).update(**clip)
    first.compute()
    second.compute()
    first.merge_state(second)
    assert close(first.compute(), filled.compute())
    assert first.update_count == len(case.clips)
    fresh = case.make()
    fresh.merge_state(filled)
    assert close(fresh.compute(), filled.compute())


def test_it_adds_nothing_to_a_module(filled: TalkingHeadMetric) -> None:
    parent = torch.nn.ModuleDict({"metric": filled})
    assert parent.state_dict() == {}
    assert list(parent.parameters()) == []
    assert list(parent.buffers()) == []


@pytest.mark.parametrize("cast", ["half", "bfloat16", "to-bfloat16", "to-half", "float"])
def test_casts_leave_the_sums_alone(case: Case, filled: TalkingHeadMetric, cast: str) -> None:
    value = filled.compute()
    parent = torch.nn.ModuleList([filled])
    if cast.startswith("to-"):
        parent.to({"to-bfloat16": torch.bfloat16, "to-half": torch.float16}[cast])
    else:
        getattr(parent, cast)()
    assert filled.sums.dtype == torch.float64
    filled._computed = None
    assert filled.compute() == value
    filled.reset()
    assert filled.sums.dtype == torch.float64
    assert fill(filled, case).compute() == value


def test_low_precision_defaults_leave_the_value_alone(case: Case, filled: TalkingHeadMetric) -> None:
    value = filled.compute()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            metric = fill(case.make(), case)
            again = metric.compute()
    finally:
        torch.set_default_dtype(torch.float32)
    assert again == value
    assert again.dtype == torch.float64


def _float32_precision() -> str | None:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)  # torch < 2.9 has none
    return getattr(matmul, "fp32_precision", None)


def test_global_state_is_left_alone(case: Case) -> None:
    before = (torch.is_grad_enabled(), torch.get_default_dtype(), _float32_precision())
    fill(case.make(), case).compute()
    after = (torch.is_grad_enabled(), torch.get_default_dtype(), _float32_precision())
    assert before == after


def test_it_keeps_its_value_beside_all_others_with_an_identical_first_clip(
    case: Case, filled: TalkingHeadMetric
) -> None:
    others = [other for other in CASES.values() if shapes(other) == shapes(case)]
    members = {other.name.replace(".", "_"): other.make() for other in others}
    own, plain = TalkingHeadMetrics(dict(members)), MetricCollection({k: m.clone() for k, m in members.items()})
    for collection in (own, plain):
        for clip in case.clips:
            collection.update(**clip)
        assert close(collection.compute()[case.name.replace(".", "_")], filled.compute())


def test_in_a_plain_collection_it_agrees_with_torchmetrics_own() -> None:
    clips = CASES["psnr"].clips
    collection = MetricCollection({"theirs": TorchmetricsPsnr(data_range=1.0), "ours": CASES["psnr:global-mse"].make()})
    for clip in clips[1:]:
        collection.update(*(side.double() / 255 for side in clip.values()))
    values = collection.compute()
    assert close(values["theirs"], values["ours"], 1e-5)


def test_arithmetic_of_metrics_is_that_of_their_values(case: Case) -> None:
    metric = case.make()
    doubled = 2 * metric + 1
    for clip in case.clips:
        doubled.update(**clip)
    assert close(doubled.compute(), 2 * metric.compute() + 1)


def test_a_tracker_finds_the_best_of_its_steps(case: Case, filled: TalkingHeadMetric) -> None:
    tracker = MetricTracker(case.make(), maximize=bool(filled.higher_is_better))
    for clips in (case.clips[:2], case.clips):
        tracker.increment()
        for clip in clips:
            tracker.update(**clip)
    values = tracker.compute_all()
    assert close(values[1], filled.compute())
    best = max(values) if filled.higher_is_better else min(values)
    assert close(tracker.best_metric(), best)


def test_nothing_scored_is_nan_with_one_warning(case: Case) -> None:
    metric = case.make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = metric.compute()
    assert torch.isnan(value)
    assert metric.coverage != metric.coverage
    assert [type(metric).__name__ in str(warning.message) for warning in caught] == [True]


def test_a_missing_input_is_named(case: Case) -> None:
    metric = case.make()
    for name in metric.inputs:
        with pytest.raises(InputError, match=f"`{name}`"):
            metric.update(**{other: value for other, value in case.clips[1].items() if other != name})


def test_unknown_options_are_rejected(case: Case) -> None:
    with pytest.raises(ValueError, match="Unexpected keyword arguments: `protocoll`"):
        case.make(protocoll="x")
    for option in ("average", "align", "missing", "resize"):
        if option not in case.options:
            with pytest.raises(InputError, match=option):
                case.make(**{option: "nonsense"})


@pytest.mark.parametrize("world", [1, 2, 3])
def test_processes_agree(case: Case, filled: TalkingHeadMetric, processes: ProcessGroup, world: int) -> None:
    uneven = [list(range(len(case.clips)))[rank::world] for rank in range(world)]
    empty = [list(range(len(case.clips)))] + [[]] * (world - 1)
    for shares in (uneven, empty):
        answers = processes.run("metrics.ddp_workers:compute_share", case.name, shares)
        for answer in answers[:world]:
            value, coverage = answer
            assert close(value, filled.compute())
            assert coverage == filled.coverage
