"""The worked examples of CONTRIBUTING.md, run as they stand there, against closed forms."""

import ast
import base64
import doctest
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

import thm_torchmetrics
from thm_torchmetrics import IdentitySimilarity, TalkingHeadMetrics, catalog
from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.extractors import EXTRACTORS, network as pool, register_extractor, release
from thm_torchmetrics.weights import Checkpoints

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
OUTSIDE, INSIDE = "Add a metric outside the package", "Add a metric to the package"
PROTOCOL, NETWORK = "Add a protocol", "Add a network"

LUMA = base64.b64decode(
    "gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5"
    "cGVfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAFgKAAAAbWl4LndlaWdodHEBY3Rv"
    "cmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcQIoKFgHAAAAc3RvcmFnZXEDY3RvcmNoCkZsb2F0U3RvcmFnZQpxBFgOAAAAOTQyODc5"
    "ODMwMjQxOTJxBVgDAAAAY3B1cQZLA050cQdRSwAoSwFLA0sBSwF0cQgoSwNLAUsBSwF0cQmJY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEK"
    "KVJxC3RxDFJxDXMugAJdcQBYDgAAADk0Mjg3OTgzMDI0MTkycQFhLgMAAAAAAAAAhxaZPqJFFj/VeOk9"
)
"""The checkpoint whose SHA256 stands in the example: ``mix.weight`` with the weights .299, .587 and .114."""


def sections() -> dict[str, list[str]]:
    """The Python blocks by section."""
    _, *parts = re.split(r"^## (.+)\n", TEXT, flags=re.M)
    blocks = [re.findall(r"^```python\n(.*?)^```", part, re.M | re.S) for part in parts[1::2]]
    return {title: found for title, found in zip(parts[::2], blocks, strict=True) if found}


def execute(name: str, source: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(source, f"<{name}>", "exec"), vars(module))  # noqa: S102
    return module


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, ModuleType]]:
    """Adds the files of sections to the package, in memory; a later block of a file is added at its end."""

    def write(*titles: str) -> dict[str, ModuleType]:
        sources: dict[str, str] = {}
        for block in (block for title in titles for block in sections()[title]):
            file, _, text = block.removeprefix("# ").partition("\n")
            if file.startswith("thm_torchmetrics/catalog/"):
                (row,) = eval(text, vars(importlib.import_module(file[:-3].replace("/", "."))))  # noqa: S307
                monkeypatch.setitem(catalog.CATALOG.rows, row.key, row)
            else:
                sources[file] = sources.get(file, "") + text
        modules = {}
        for file, source in sources.items():
            name = file.removeprefix("tests/").removesuffix(".py").replace("/", ".")
            monkeypatch.setitem(sys.modules, name, module := execute(name, source))
            modules[file] = module
        cls = modules["thm_torchmetrics/metrics/brightness.py"].BrightnessError
        monkeypatch.setattr(thm_torchmetrics, cls.__name__, cls, raising=False)
        return modules

    return write


@pytest.fixture
def custom_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's module; what it registers is forgotten afterwards."""
    registry = importlib.import_module("thm_torchmetrics.weights.registry")  # the package's `registry` is the function
    entries = dict(registry.registry())
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    (block,) = sections()[NETWORK]
    yield execute("custom_network", block)
    release()


@pytest.fixture
def weights_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("THM_OFFLINE", "1")
    return tmp_path


def grey(level: int, frames: int = 4) -> Tensor:
    return torch.full((frames, 3, 16, 16), level, dtype=torch.uint8)


def test_every_block_is_in_a_section_that_is_tested() -> None:
    assert list(sections()) == [OUTSIDE, INSIDE, PROTOCOL, NETWORK]


@pytest.mark.parametrize("title", [OUTSIDE, NETWORK])
def test_an_example_file_is_shown_as_it_is(title: str) -> None:
    file, _, text = sections()[title][0].removeprefix("# ").partition("\n")
    assert text == (ROOT / file).read_text(encoding="utf-8")


def test_a_custom_metric_takes_eight_things_to_know() -> None:
    listed = TEXT.partition("eight things:\n\n")[2].partition("\n\n")[0]
    assert len(re.findall(r"^\d+\. ", listed, re.M)) == 8


def test_a_custom_metric_is_one_method_and_fits_a_collection() -> None:
    cls = execute("custom_metric", sections()[OUTSIDE][0]).BrightnessError
    assert [name for name, value in vars(cls).items() if inspect.isfunction(value)] == ["per_frame"]
    metrics = TalkingHeadMetrics(["psnr", cls()])
    metrics.update([grey(107), grey(103, 12)], [grey(100), grey(100, 12)])
    assert metrics.compute()["brightness"].item() == pytest.approx((4 * 7 + 12 * 3) / 16, rel=1e-6)
    assert metrics["brightness"].coverage == 1


def test_options_that_are_not_repeated_keep_metrics_apart() -> None:
    metrics = execute("custom_options", sections()[OUTSIDE][1]).metrics
    frames = grey(204)
    frames[..., :4, :] = 51  # 0.2 in a quarter of the rows
    frames[..., 4:8, :] = 102  # 0.4 in a second quarter
    metrics.update(frames)
    assert {name: value.item() for name, value in metrics.compute().items()} == {"dark": 0.25, "dim": 0.5}


def test_type_checkers_know_every_public_name() -> None:
    aliases = [node for node in ast.walk(ast.parse(inspect.getsource(thm_torchmetrics))) if isinstance(node, ast.alias)]
    assert {alias.asname for alias in aliases if alias.asname} == set(thm_torchmetrics.__all__) - {"__version__"}


@pytest.mark.parametrize("titles", [(INSIDE,), (INSIDE, PROTOCOL)], ids=["metric", "with a protocol"])
def test_a_metric_of_the_package(write: Callable[..., dict[str, ModuleType]], titles: tuple[str, ...]) -> None:
    modules = write(*titles)
    for module in modules.values():
        assert doctest.testmod(module).failed == 0
    tests = [value for name, value in vars(modules["tests/functional/test_brightness.py"]).items() if "test_" in name]
    assert len(tests) == 2
    for test in tests:
        test()
    cases = modules["tests/metrics/cases/brightness.py"].CASES
    assert [case.key for case in cases] == ["brightness", "brightness:bt601"][: len(titles)]
    for case in cases:
        metric = case.make()
        for clip in case.clips:
            metric.update(**clip)
        assert metric.compute().item() == pytest.approx(case.reference(case.clips), rel=case.tolerance)


def test_protocols_weigh_red_as_they_say(write: Callable[..., dict[str, ModuleType]]) -> None:
    write(INSIDE, PROTOCOL)
    metrics = TalkingHeadMetrics(["brightness", "brightness:bt601"])
    preds = grey(100)
    preds[:, 0] += 30
    metrics.update(preds, grey(100))
    values = {name: value.item() for name, value in metrics.compute().items()}
    assert values == {"brightness": pytest.approx(10), "brightness:bt601": pytest.approx(30 * 0.299)}


def test_a_custom_network_reads_its_published_checkpoint(custom_network: ModuleType, weights_dir: Path) -> None:
    (weights_dir / "luma.pth").write_bytes(LUMA)
    metrics = TalkingHeadMetrics(
        {"frame": custom_network.LumaError(), "clip": custom_network.LumaError(average="clip")}
    )
    preds = grey(100)
    preds[:, 0] += 10
    metrics.update([preds, grey(100, 12)], [grey(100), grey(100, 12)])
    assert metrics.compute()["frame"].item() == pytest.approx(2.99 * 4 / 16, rel=1e-5)
    assert metrics.compute()["clip"].item() == pytest.approx(2.99 / 2, rel=1e-5)
    assert sum(isinstance(network, custom_network.LumaNet) for network in pool._networks.values()) == 1
    assert metrics.state_dict() == {}
    assert not list(metrics.parameters())
    assert metrics.describe().count("extractor luma, checkpoint luma available") == 2


def test_a_custom_network_refuses_what_its_author_did_not_publish(
    custom_network: ModuleType, weights_dir: Path
) -> None:
    with pytest.raises(WeightsNotFoundError, match="luma"):
        custom_network.LumaError()
    (weights_dir / "luma.pth").write_bytes(LUMA + b"!")
    with pytest.raises(WeightsError, match="is not the checkpoint 'luma'"):
        custom_network.LumaError()
    custom = custom_network.LumaError(weights=weights_dir / "luma.pth")
    assert "checkpoint luma custom" in TalkingHeadMetrics([custom]).describe()
    assert custom_network.LumaError(weights=Checkpoints({"luma": weights_dir / "luma.pth"}, commercial=True))


def test_a_custom_network_feeds_a_metric_that_is_there(
    custom_network: ModuleType, weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MeanColor(custom_network.Luma):
        kind = "identity"

        def extract(self, chunk: Any) -> Tensor:
            colors: Tensor = chunk.as_float().mean(dim=(2, 3))
            return colors

    monkeypatch.setitem(EXTRACTORS, "identity", dict(EXTRACTORS["identity"]))
    register_extractor("luma", MeanColor)
    (weights_dir / "luma.pth").write_bytes(LUMA)
    metric = IdentitySimilarity(extractor="luma")
    red, green = torch.zeros(2, 1, 3, 16, 16).unbind()
    red[:, 0], green[:, 1] = 1, 1
    assert metric(red, green).item() == pytest.approx(0)
    assert metric(red, red).item() == pytest.approx(1)
