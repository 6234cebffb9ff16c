"""The open table of extractors: what is in it, and a network from outside the package through all of it."""

import hashlib
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from thm_torchmetrics import FrameMean, IdentitySimilarity, TalkingHeadMetrics, weights
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.extractors import (
    EXTRACTORS,
    CustomModule,
    Extractor,
    FaceNetwork,
    FrozenNetwork,
    make_extractor,
    network as pool,
    register_extractor,
    release,
)
from thm_torchmetrics.extractors.lpips import CustomDistance
from thm_torchmetrics.extractors.registry import required_checkpoints
from thm_torchmetrics.weights import Checkpoints, CustomFiles, WeightEntry, register


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is forgotten afterwards."""
    registry = importlib.import_module("thm_torchmetrics.weights.registry")  # the package's `registry` is the function
    entries = dict(weights.registry())
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    for kind, known in list(EXTRACTORS.items()):
        monkeypatch.setitem(EXTRACTORS, kind, dict(known))
    before = set(EXTRACTORS)
    release()
    yield
    for kind in set(EXTRACTORS) - before:
        del EXTRACTORS[kind]
    release()


class ColorNet(nn.Module):
    """Mixes the mean colors of a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 3, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        rows: Tensor = self.mix(frames.mean(dim=(2, 3)))
        return rows


@dataclass(frozen=True)
class Colors(FrozenNetwork):
    """Everything that a network from outside needs: an architecture and what is done with it."""

    kind = "identity"

    def build(self) -> nn.Module:
        return ColorNet()

    def extract(self, chunk: Chunk) -> Tensor:
        return self.in_batches(self.network(chunk.rows.device), chunk.as_float())


class ColorError(FrameMean):
    """Mean absolute difference of the mixed colors."""

    key = "color-error"
    higher_is_better = False

    def __init__(self, *, weights: CustomFiles = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = Colors.make("colors", weights)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (self.features(preds) - self.features(target)).abs().mean(dim=1)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that stands in the registry with its hash, and lies where checkpoints are looked for."""
    file = tmp_path / "colors.pth"
    torch.save({"mix.weight": torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, -3.0]])}, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    register(WeightEntry(name="colors", file="colors.pth", urls=("https://example.org/c",), sha256=sha256))
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("THM_OFFLINE", "1")
    return file


def grey(red: int, green: int = 100, blue: int = 100, frames: int = 4) -> Tensor:
    colors = torch.tensor([red, green, blue], dtype=torch.uint8)
    return colors[None, :, None, None].expand(frames, 3, 8, 8)


def test_a_metric_with_a_network_of_its_own_is_one_file(published: Path) -> None:
    """The registry was closed: "no checkpoint is called ...", and a network had to be handed over as a module."""
    metrics = TalkingHeadMetrics(["psnr", ColorError()])
    metrics.update([grey(110), grey(100, 103, frames=12)], [grey(100), grey(100, frames=12)])
    per_clip = (10 / 255 / 3, 2 * 3 / 255 / 3)
    expected = (4 * per_clip[0] + 12 * per_clip[1]) / 16
    assert metrics.compute()["color-error"].item() == pytest.approx(expected, rel=1e-5)
    assert "extractor colors, checkpoint colors available" in metrics.describe()
    assert len(pool._networks) == 1
    assert metrics.state_dict() == {}
    assert ColorError().identity == ColorError().identity


def test_it_takes_one_method_besides_the_two_of_its_network() -> None:
    methods = {
        cls: [name for name, each in vars(cls).items() if inspect.isfunction(each)] for cls in (Colors, ColorError)
    }
    written = [name for name in methods[Colors] if not name.startswith("__")]
    assert written == ["build", "extract"]
    assert methods[ColorError] == ["__init__", "per_frame"]


def test_a_file_that_its_author_did_not_publish_is_refused_and_a_custom_one_marked(published: Path) -> None:
    other = published.with_name("other.pth")
    torch.save({"mix.weight": torch.eye(3)}, other)
    custom = ColorError(weights=other)
    assert custom.identity != ColorError().identity
    assert f"checkpoint colors custom {other}" in TalkingHeadMetrics([custom]).describe()
    assert custom(grey(110), grey(100)).item() == pytest.approx(10 / 255 / 3, rel=1e-5)
    published.write_bytes(other.read_bytes())
    with pytest.raises(WeightsError, match="is not the checkpoint 'colors'"):
        ColorError()
    published.unlink()
    with pytest.raises(WeightsNotFoundError, match="colors"):
        ColorError()


def test_a_registered_extractor_feeds_metrics_that_are_there(published: Path) -> None:
    register_extractor("colors", Colors)
    register_extractor("colors", Colors)  # twice is once
    metric = IdentitySimilarity(extractor="colors")
    red, green = grey(255, 0, 0), grey(0, 255, 0)
    assert metric(red, green).item() == pytest.approx(0)
    assert metric(red, red).item() == pytest.approx(1)
    assert metric.settings()["extractor"] == "colors"
    metrics = TalkingHeadMetrics(["csim", "aed-id:aligned"], extractor="colors")
    metrics.update(red, green)
    assert metrics.compute()["aed-id:aligned"].item() == pytest.approx(2)
    assert "extractor colors, checkpoint colors available" in metrics.describe()


def test_the_command_line_lists_metrics_beside_a_registered_extractor(published: Path) -> None:
    register_extractor("colors", Colors)
    done = CliRunner().invoke(main, ["list"])
    assert done.exit_code == 0, done.output
    assert "csim" in done.stdout
    assert required_checkpoints("identity", "colors") == ("colors",)


@dataclass(frozen=True)
class OnFaces(FaceNetwork):
    """Works on the face that landmarks find, or on the whole frame."""

    kind = "identity"
    default_landmarks = "dlib"
    whole_frames = True

    def build(self) -> nn.Module:
        return ColorNet()

    def extract(self, chunk: Chunk) -> Tensor:
        rows = self.in_batches(self.network(chunk.rows.device), chunk.as_float())
        if self.landmarks is None:
            return rows
        return rows.masked_fill(self.points(chunk).flatten(1).isnan().any(dim=1)[:, None], torch.nan)


def test_a_registered_face_network_gets_its_landmarks(published: Path) -> None:
    register_extractor("colors", OnFaces)
    aligned = IdentitySimilarity(extractor="colors", face="first")
    assert [each.name for each in aligned.extractor.checkpoints] == ["colors", "dlib-68"]
    assert aligned.extractor.landmarks.face == "first"
    assert aligned.extractor.extract(Chunk(grey(10))).isnan().all()
    whole = IdentitySimilarity(extractor="colors", protocol="vico")
    assert whole.extractor.landmarks is None
    assert whole(grey(10), grey(10)).item() == pytest.approx(1)
    assert required_checkpoints("identity", "colors") == ("colors", "dlib-68")


class Plain(Extractor):
    """Has no checkpoint."""

    kind = "identity"

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, **options: Any) -> Self:
        return cls()

    def extract(self, chunk: Chunk) -> Tensor:
        return chunk.as_float().mean(dim=(2, 3))


def test_a_registered_extractor_without_a_checkpoint_needs_none() -> None:
    register_extractor("mine", Plain)
    metrics = TalkingHeadMetrics(["csim"], extractor="mine")
    assert metrics(grey(10), grey(20, 200, 200))["csim"].item() == pytest.approx(1)
    assert metrics.describe().endswith("extractor Plain")
    assert CliRunner().invoke(main, ["list"]).exit_code == 0


def test_what_is_no_extractor_or_has_a_name_that_is_taken_is_refused() -> None:
    class Nameless(Extractor):
        def extract(self, chunk: Chunk) -> Tensor:
            raise NotImplementedError

    with pytest.raises(InputError, match="needs a `kind`, such as landmarks, identity"):
        register_extractor("mine", Nameless)
    with pytest.raises(InputError, match="there is an extractor 'dlib' of identity already"):
        register_extractor("dlib", Colors)
    assert "mine" not in EXTRACTORS["identity"]


def test_a_kind_of_its_own_may_be_registered(published: Path) -> None:
    class Openness(Colors):
        kind = "openness"

    register_extractor("colors", Openness)
    assert isinstance(make_extractor("openness", "colors"), Openness)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("inception", "inceptoin", "'inception', 'inception-imagenet', a torch module or None, got 'inceptoin'"),
        ("identity", "facenet", "'arcface-r100', .*'dlib', a torch module or None, got 'facenet'"),
        ("landmarks", 68, "'fan', 'dlib', a torch module or None, got 68"),
    ],
)
def test_unknown_names_are_told_the_known_ones(kind: str, given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_extractor(kind, given)


def test_an_unknown_rule_for_a_face_is_named_whatever_the_extractor() -> None:
    for given in ("dlib", None, nn.Identity()):
        with pytest.raises(InputError, match="face must be one of 'largest', 'first', 'last', 'center', got 'left'"):
            make_extractor("landmarks", given, face="left")


def test_a_module_is_custom_by_its_kind_and_none_means_given_features() -> None:
    module = nn.Identity()
    assert make_extractor("identity", module) == CustomModule(module)
    assert isinstance(make_extractor("lpips", module), CustomDistance)
    assert make_extractor("identity", None) is None


def test_every_extractor_of_the_catalog_is_in_the_table_and_names_its_checkpoints() -> None:
    for row in CATALOG.values():
        for name in row.extractors:
            assert name in EXTRACTORS[row.extractor_kind]
            options = {"net": "alex"} if row.extractor_kind == "lpips" else {}
            required = required_checkpoints(row.extractor_kind, name, **options)
            assert required or name == "thumbnail"  # no network
            assert set(required) <= set(weights.registry())


@pytest.mark.parametrize(
    ("kind", "name", "options", "expected"),
    [
        ("identity", "arcface-r18", {}, ("arcface-r18", "fan2d", "fan-s3fd")),
        ("identity", "arcface-r18", {"landmarks": "dlib"}, ("arcface-r18", "dlib-68")),
        ("identity", "arcface-r18", {"whole_frame": True}, ("arcface-r18",)),
        ("identity", "dlib", {}, ("dlib-resnet", "dlib-68")),
        ("identity", "insightface", {"landmarks": "fan"}, ("buffalo_l",)),
        ("lpips", "lpips", {"net": "vgg"}, ("vgg16", "lpips-vgg")),
        ("syncnet", "syncnet", {}, ("syncnet", "s3fd")),
        ("inception", "inception", {}, ("inception-fid",)),
    ],
)
def test_the_required_checkpoints_follow_the_options(
    kind: str, name: str, options: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert required_checkpoints(kind, name, **options) == expected


ROUNDS = [
    ("identity", "arcface-r18", {}, {"arcface-r18", "fan2d", "fan-s3fd"}),
    ("identity", "arcface-r18", {"whole_frame": True}, {"arcface-r18"}),
    ("face3d", "deep3d", {}, {"deep3d", "fan2d", "fan-s3fd"}),
    ("emotion", "emonet8", {}, {"emonet8", "fan2d", "fan-s3fd"}),
    ("landmarks", "fan", {}, {"fan2d", "fan-s3fd"}),
    ("lpips", "lpips", {"net": "vgg"}, {"vgg16"}),
    ("syncnet", "syncnet", {"detector": True}, {"syncnet", "s3fd"}),
    ("syncnet", "syncnet", {}, {"syncnet"}),
]


@pytest.mark.parametrize(("kind", "name", "options", "expected"), ROUNDS)
def test_all_missing_checkpoints_are_named_in_one_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str, options: dict[str, Any], expected: set[str]
) -> None:
    """Only the first was named, and a user without network needed a round for each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(WeightsNotFoundError) as caught:
        make_extractor(kind, name, Checkpoints(offline=True), **options)
    found = set(re.findall(r"[\w-]+", str(caught.value))) & set(weights.registry())
    assert expected <= found
    assert not found & {"arcface-r18", "fan2d", "fan-s3fd", "deep3d", "emonet8", "syncnet", "s3fd"} - expected


def test_an_option_that_does_not_fit_is_named_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checkpoints, "obtain_all", lambda *given: pytest.fail("it was fetched"))
    with pytest.raises(InputError, match="aligned faces only"):
        make_extractor("identity", "dlib", whole_frame=True)
    with pytest.raises(InputError, match="landmarks must be 'fan', 'dlib'"):
        make_extractor("identity", "arcface-r18", landmarks="mediapipe")


def test_the_face_and_the_upsampling_reach_the_landmarks() -> None:
    pytest.importorskip("dlib")
    extractor = make_extractor("identity", "dlib", face="last", upsample=2)
    assert (extractor.landmarks.face, extractor.landmarks.upsample) == ("last", 2)


def test_a_class_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs a `kind`, such as .*, and a classmethod `make`"):
        register_extractor("mine", object)  # type: ignore[arg-type]
