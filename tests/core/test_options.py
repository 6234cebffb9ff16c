"""Options: gathered when a metric is made, read-only afterwards, and what tells two metrics apart."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics import FrameMean, PeakSignalNoiseRatio, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import FrozenOptionError, InputError


class Dark(FrameMean):
    """The share of dark pixels; each way of keeping the threshold is a subclass."""

    inputs = ("preds",)

    def threshold_in_use(self) -> float:
        raise NotImplementedError

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (preds.as_float() < self.threshold_in_use()).float().mean(dim=(1, 2, 3))


class PublicDark(Dark):
    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold

    def threshold_in_use(self) -> float:
        return self.threshold


class PrivateDark(Dark):
    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._threshold = threshold

    def threshold_in_use(self) -> float:
        return self._threshold


class DerivedDark(Dark):
    """Keeps another attribute than the argument."""

    def __init__(self, percent: int = 50, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.level = percent / 100

    def threshold_in_use(self) -> float:
        return self.level


class ClosureDark(Dark):
    """Keeps the threshold nowhere but in a function."""

    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._compare: Callable[[], float] = lambda: threshold

    def threshold_in_use(self) -> float:
        return self._compare()


class PositionalDark(Dark):
    """Takes it by position, among any number."""

    def __init__(self, *thresholds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._thresholds = thresholds

    def threshold_in_use(self) -> float:
        return self._thresholds[0]


class InheritedDark(PrivateDark):
    """Hands it on to a parent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)


class AttributeDark(Dark):
    """Takes no argument, and draws its option."""

    drawn = 0.0

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = type(self).drawn

    def threshold_in_use(self) -> float:
        return self.threshold


def drawn(threshold: float) -> Dark:
    AttributeDark.drawn = threshold
    return AttributeDark()


WAYS: dict[str, Callable[[float], Dark]] = {
    "public": lambda threshold: PublicDark(threshold=threshold),
    "by position": PublicDark,
    "private": lambda threshold: PrivateDark(threshold=threshold),
    "derived": lambda threshold: DerivedDark(round(100 * threshold)),
    "in a closure": lambda threshold: ClosureDark(threshold),
    "among any number": PositionalDark,
    "by a parent": lambda threshold: InheritedDark(threshold=threshold),
    "without an argument": drawn,
}


def frames() -> Tensor:
    return torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("way", WAYS)
def test_metrics_of_another_threshold_never_share_a_state(way: str) -> None:
    """A state was shared unless the author repeated the option; both were then the first."""
    metrics = TalkingHeadMetrics({"low": WAYS[way](0.25), "high": WAYS[way](0.75), "again": WAYS[way](0.25)})
    metrics.update(frames())
    values = {name: value.item() for name, value in metrics.compute().items()}
    assert values["low"] == values["again"] == pytest.approx((frames() < 0.25 * 255).double().mean().item())
    assert values["high"] == pytest.approx((frames() < 0.75 * 255).double().mean().item())
    assert sorted(metrics.compute_groups.values()) == [["high"], ["low", "again"]]


def test_defaults_count_as_if_they_were_given() -> None:
    assert PublicDark().identity == PublicDark(0.5).identity == PublicDark(threshold=0.5, average="frame").identity
    assert PublicDark().identity != PublicDark(average="clip").identity
    assert PublicDark().identity != PrivateDark().identity


class Own(Dark):
    """One of two classes of one name."""

    def threshold_in_use(self) -> float:
        return 0.25


class _Elsewhere:
    class Own(Dark):
        """The other."""

        def threshold_in_use(self) -> float:
            return 0.75


def test_two_classes_of_one_name_do_not_share() -> None:
    metrics = TalkingHeadMetrics({"low": Own(), "high": _Elsewhere.Own()})
    metrics.update(frames())
    low, high = (value.item() for value in metrics.compute().values())
    assert low < 0.3 < 0.7 < high


def class_with(threshold: float) -> type[Dark]:
    class Made(Dark):
        def threshold_in_use(self) -> float:
            return threshold

    return Made


def test_two_classes_that_a_function_makes_do_not_share() -> None:
    """They have one module and one qualified name."""
    metrics = TalkingHeadMetrics({"low": class_with(0.25)(), "high": class_with(0.75)()})
    metrics.update(frames())
    low, high = (value.item() for value in metrics.compute().values())
    assert low < 0.3 < 0.7 < high


class Layered(FrameMean):
    """Makes a network of its own in the constructor."""

    inputs = ("preds",)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = nn.Conv2d(3, 1, 1, bias=False)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return self.layer(preds.as_float()).mean(dim=(1, 2, 3))


def test_modules_that_the_constructor_makes_keep_metrics_apart() -> None:
    torch.manual_seed(0)
    made = {"one": Layered(), "other": Layered()}
    alone = {}
    for name, metric in made.items():
        fresh = copy.deepcopy(metric)
        fresh.update(frames())
        alone[name] = fresh.compute().item()
    assert alone["one"] != alone["other"]
    metrics = TalkingHeadMetrics(dict(made))
    metrics.update(frames())
    assert {name: value.item() for name, value in metrics.compute().items()} == pytest.approx(alone)


class Listed(Layered):
    """Keeps its networks in a list."""

    def __init__(self, **kwargs: Any) -> None:
        FrameMean.__init__(self, **kwargs)
        self.layers = [nn.Conv2d(3, 1, 1, bias=False)]

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        rows: Tensor = self.layers[0](preds.as_float()).mean(dim=(1, 2, 3))
        return rows


@pytest.mark.parametrize(
    "cls",
    [
        Layered,
        Listed,
    ],
)
def test_copies_whose_modules_are_trained_apart_do_not_share(cls: type[Layered]) -> None:
    metric = cls()
    copied = copy.deepcopy(metric)
    layer = copied.layers[0] if isinstance(copied, Listed) else copied.layer
    with torch.no_grad():
        layer.weight += 1
    metrics = TalkingHeadMetrics({"net": metric, "average": copied})
    metrics.update(frames())
    net, average = (value.item() for value in metrics.compute().values())
    assert abs(net - average) > 0.1


@pytest.mark.parametrize("name", ["average", "align", "missing", "resize", "protocol"])
def test_options_of_the_base_are_read_only(name: str) -> None:
    metric = PublicDark(0.25)
    before = getattr(metric, name)
    with pytest.raises(FrozenOptionError, match=rf"PublicDark\.{name} is fixed when the metric is made"):
        setattr(metric, name, "clip")
    assert getattr(metric, name) == before


def test_arguments_that_are_no_attributes_are_read_only_too() -> None:
    metric = PrivateDark(0.25)
    with pytest.raises(FrozenOptionError, match=r"PrivateDark\.threshold .* make another with threshold=0.5"):
        metric.threshold = 0.5
    with pytest.raises(AttributeError):  # callers who know nothing of this package catch it as these
        metric.threshold = 0.5
    with pytest.raises(InputError):
        metric.threshold = 0.5


def test_torchmetrics_attributes_and_private_ones_may_be_set() -> None:
    metric = PrivateDark(0.25)
    metric.sync_on_compute = False
    metric.compute_on_cpu = True
    metric.process_group = "group"
    metric.note = "of the author"  # none of the options
    metric._threshold = 0.75
    metric.train()
    assert metric.training


@pytest.mark.parametrize("way", ["clone", "deepcopy", "pickle"])
def test_copies_have_the_same_options_and_are_read_only(way: str) -> None:
    metric = PublicDark(0.25)
    made: dict[str, Callable[[], TalkingHeadMetric]] = {
        "clone": metric.clone,
        "deepcopy": lambda: copy.deepcopy(metric),
        "pickle": lambda: pickle.loads(pickle.dumps(metric)),  # noqa: S301
    }
    copied = made[way]()
    assert copied.identity == metric.identity
    assert copied.settings() == metric.settings()
    with pytest.raises(FrozenOptionError):
        copied.threshold = 0.75


def test_settings_are_every_option_in_words() -> None:
    metric = PeakSignalNoiseRatio(average="clip", sync_on_compute=False)
    assert metric.settings() == {
        "protocol": "piq", "average": "clip", "align": "error", "missing": "skip", "resize": None,
        "region": None, "landmarks": "fan", "sync_on_compute": False,
    }  # fmt: skip
    assert PrivateDark(0.25).settings()["threshold"] == 0.25
    metric.settings()["average"] = "frame"
    assert metric.settings()["average"] == "clip"


def test_a_metric_has_to_declare_what_it_measures() -> None:
    class Nothing(FrameMean):
        pass

    with pytest.raises(TypeError, match="per_frame"):
        Nothing()  # type: ignore[abstract]


def test_a_constructor_that_fails_leaves_nothing_behind() -> None:
    class Picky(PublicDark):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            raise InputError("no")

    with pytest.raises(InputError, match="no"):
        Picky()
