"""``thm score --option KEY.NAME=VALUE``: every option of every metric, checked before any work."""

import inspect
import json
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from click.testing import CliRunner, Result

from thm_torchmetrics import catalog
from thm_torchmetrics.cli import main
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.metric_options import options_by_metric, settable_options

SET_OTHERWISE = {"protocol", "extractor", "weights", "self", "kwargs"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.2, size=128)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def settings(*arguments: object) -> dict[str, Any]:
    result = thm("score", *arguments, "--format", "json")
    assert result.exit_code in (0, 3), result.stderr
    options: dict[str, Any] = json.loads(result.stdout)["provenance"]["options"]
    return options


def defaults(key: str) -> dict[str, Any]:
    """The options of a metric's constructor and their defaults, the nearest class first."""
    cls = metric_class(catalog.find_row(key))
    found: dict[str, Any] = {}
    for parent in cls.__mro__:
        if parent.__module__.startswith("thm_torchmetrics") and "__init__" in vars(parent):
            for name, parameter in inspect.signature(parent.__init__).parameters.items():
                found.setdefault(name, parameter.default)
    return found


OPTIONS = [(key, name) for key in catalog.CATALOG for name in settable_options(metric_class(catalog.find_row(key)))]


FREE_TEXT = [("emotion-accuracy", "labels"), ("slcc", "identities")]
"""Options that take any text: a regular expression, and names."""


def test_every_option_of_every_constructor_can_be_set() -> None:
    for key in catalog.CATALOG:
        constructor = defaults(key).keys() - SET_OTHERWISE
        if len(metric_class(catalog.find_row(key)).averages) == 1:
            constructor -= {"average"}
        assert constructor == {name for owner, name in OPTIONS if owner == key}, key


@pytest.mark.parametrize(("key", "name"), OPTIONS)
def test_a_default_given_as_text_is_the_default(key: str, name: str) -> None:
    default = defaults(key)[name]
    assert options_by_metric([key], [(key, name, str(default).lower() if default is None else str(default))]) == {
        key: {name: default}
    }


@pytest.mark.parametrize(("key", "name"), [option for option in OPTIONS if option not in FREE_TEXT])
def test_a_value_of_another_type_is_refused_by_name(key: str, name: str) -> None:
    kind = settable_options(metric_class(catalog.find_row(key)))[name]
    literals = [value for part in (kind, *get_args(kind)) if get_origin(part) is Literal for value in get_args(part)]
    with pytest.raises(InputError) as caught:
        options_by_metric([key], [(key, name, "no-such-value")])
    assert str(caught.value).startswith(f"option {key}.{name}=no-such-value: ")
    assert all(str(value) in str(caught.value) for value in literals)


def test_options_reach_their_metric_and_no_other(sample: Path) -> None:
    """Each changes what the metric reports of itself."""
    given = ["psnr.average=clip", "lmd.face=center", "lmd.center=false", "lmd:vico.norm=none", "lmd.upsample=1"]
    options = settings(
        sample,
        "--metrics",
        "psnr,ssim,lmd,lmd:vico",
        "--extractor",
        "lmd=dlib",
        *(f"--option={text}" for text in given),
    )
    assert (options["psnr"]["average"], options["ssim"]["average"]) == ("clip", "frame")
    assert [options[key]["face"] for key in ("lmd", "lmd:vico")] == ["center", "center"]
    assert [options[key]["center"] for key in ("lmd", "lmd:vico")] == [False, False]
    assert [options[key]["norm"] for key in ("lmd", "lmd:vico")] == ["none", "none"]
    assert options["lmd"]["upsample"] == 1


def test_one_protocol_goes_before_all_protocols_in_any_order() -> None:
    given = [("lse-d:tracked", "min_track", "7"), ("lse-d", "min_track", "50"), ("lse-d", "ffmpeg", "7")]
    for order in (given, given[::-1]):
        options = options_by_metric(["lse-d:tracked", "lse-d:syncnet-python"], order)
        assert options == {
            "lse-d:tracked": {"min_track": 7, "ffmpeg": 7},
            "lse-d:syncnet-python": {"min_track": 50, "ffmpeg": 7},
        }


def test_an_option_goes_before_the_flag_of_all_metrics(sample: Path) -> None:
    options = settings(sample, "--metrics", "psnr,ssim", "--average", "clip", "--option", "ssim.average=frame")
    assert (options["psnr"]["average"], options["ssim"]["average"]) == ("clip", "frame")


def test_numbers_are_numbers() -> None:
    given = [("lse-d", name, text) for name, text in (("min_track", "50"), ("min_face_size", "9"), ("threshold", ".5"))]
    (options,) = options_by_metric(["lse-d"], given).values()
    assert options == {"min_track": 50, "min_face_size": 9.0, "threshold": 0.5}
    assert [type(value) for value in options.values()] == [int, float, float]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("csim.refrence=image", "csim has no option 'refrence', did you mean 'reference'; it has align, average, face"),
        ("csim.ffmpeg=7", "csim has no option 'ffmpeg'; it has align"),
        ("csim.sync_on_compute=0", "csim has no option 'sync_on_compute'"),
        ("csim.reference=photo", "must be target-frame or target-first or image or preds-first, got 'photo'"),
        ("lse-d.ffmpeg=5", "must be 4 or 7, got '5'"),
        ("lse-d.min_track=many", "must be a whole number, got 'many'"),
        ("lse-d.min_track=1.5", "must be a whole number, got '1.5'"),
        ("lse-d.threshold=nan", "must be a number, got 'nan'"),
        ("lse-d.min_track=-1", "min_track and crop_scale must be at least 0"),
        ("lmd.center=maybe", "must be none or true or false, got 'maybe'"),
        ("lmd.face=biggest", "--option lmd.face=biggest: "),
        ("lmd.points=ear", "--option lmd.points=ear: points of lmd must be none or face or"),
        ("csim.landmarks=mediapipe", "landmarks of csim must be none or fan or dlib, got 'mediapipe'"),
        ("csim.extractor=dlib", "it is a network; name one by --extractor csim=NAME"),
        ("csim.weights=x.pth", "name them by --weights NAME=FILE"),
        ("csim.protocol=vico", "as in --metrics csim:PROTOCOL"),
        ("ssim.average=clip", "'ssim' is none of the metrics asked for, csim, lse-d, lmd"),
        ("csim:vico.face=first", "'csim:vico' is none of the metrics asked for"),
        ("csim.face", "--option takes KEY.NAME=VALUE"),
        ("csim=image", "--option takes KEY.NAME=VALUE"),
        ("csim.face=", "--option takes KEY.NAME=VALUE"),
        (".face=first", "--option takes KEY.NAME=VALUE"),
    ],
)
def test_wrong_usage(sample: Path, monkeypatch: pytest.MonkeyPatch, option: str, message: str) -> None:
    """It is found before any checkpoint is looked for, and before any file is opened."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.setattr("thm_torchmetrics.scoring.dataset.make_metrics", refuse)
    monkeypatch.setattr("thm_torchmetrics.weights.locate", refuse)
    result = thm("score", sample, "--metrics", "csim,lse-d,lmd", "--option", option)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_list_of_vertices_that_cannot_be_read_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for a network that is not installed, and the message spoke of the extractor."""
    with pytest.raises(InputError, match=r"absent\.txt: is no list of vertices .*No such file"):
        options_by_metric(["lve"], [("lve", "lips", str(tmp_path / "absent.txt"))])
    monkeypatch.setitem(sys.modules, "trimesh", None)
    face = tmp_path / "face.ply"
    face.write_bytes(b"ply")
    with pytest.raises(InputError, match=r"fdd\.template=.*face\.ply: \.ply needs trimesh: pip install"):
        options_by_metric(["fdd"], [("fdd", "template", str(face))])


def test_options_may_change_what_a_metric_reads(sample: Path) -> None:
    arguments = ["--preds", sample / "pred_video", "--metrics", "csim", "--extractor", "csim=dlib"]
    alone = thm("score", *arguments, "--format", "json")
    assert "give --target" in json.loads(alone.stdout)["skipped"]["csim"]
    options = settings(*arguments, "--option", "csim.reference=preds-first")
    assert options["csim"]["reference"] == "preds-first"


def test_an_option_of_one_metric_goes_before_the_flag_of_all(sample: Path) -> None:
    options = settings(sample, "--metrics", "psnr,ssim", "--average", "clip", "--option", "psnr.average=frame")
    assert (options["psnr"]["average"], options["ssim"]["average"]) == ("frame", "clip")


@pytest.mark.parametrize(
    ("metric", "arguments", "said"),
    [
        ("psnr", [], []),
        ("psnr", ["--average", "clip"], ["average=clip"]),
        ("psnr", ["--align", "time", "--resize", "bicubic"], ["align=time", "resize=bicubic"]),
        ("csim", ["--extractor", "csim=dlib"], []),
        ("csim", ["--extractor", "csim=dlib", "--option", "csim.reference=preds-first"], ["reference=preds-first"]),
        ("lmd", ["--extractor", "lmd=dlib", "--option", "lmd.face=first"], ["face=first"]),
    ],
)
def test_options_other_than_the_protocol_s_stand_in_the_report(
    sample: Path, metric: str, arguments: list[str], said: list[str]
) -> None:
    result = thm("score", sample, "--metrics", metric, *arguments, "--every", 10, "--format", "json")
    assert json.loads(result.stdout)["provenance"]["deviations"][metric] == said


def test_a_metric_is_named_with_a_colon_however_it_is_spelled(sample: Path) -> None:
    result = thm("score", sample, "--metrics", "ssim-skimage", "--every", 10, "--format", "json")
    assert list(json.loads(result.stdout)["metrics"]) == ["ssim:skimage"]
