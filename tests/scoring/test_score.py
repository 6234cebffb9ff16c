"""``thm_torchmetrics.score``: the engine of the command, in Python."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import thm_torchmetrics
from thm_torchmetrics.cli import main
from thm_torchmetrics.cli.score import score as command
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError

SHOWN = {"output", "form", "fail_under", "quiet", "methods", "report"}
"""Options of the command that say what is printed and written."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.2, size=64)


def plain(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report without what tells one run from the next, and without what the command adds."""
    told = {"created", "duration_s", "command", "arguments", "gates"}
    provenance = {name: value for name, value in report["provenance"].items() if name not in told}
    return {**report, "provenance": provenance}


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ({"metrics": "psnr,ssim"}, ["--metrics", "psnr,ssim"]),
        ({"metrics": ["psnr", "cpbd"], "every": 2, "with_target": True}, ["--metrics", "psnr", "--metrics", "cpbd",
                                                                         "--every", "2", "--with-target"]),
        ({"metrics": ["ssim"], "options": {"ssim": {"average": "clip"}}}, ["--metrics", "ssim", "--option",
                                                                          "ssim.average=clip"]),
        ({"metrics": "aue", "au_min_confidence": 0.5}, ["--metrics", "aue", "--au-min-confidence", "0.5"]),
    ],
    ids=lambda value: " ".join(value),
)  # fmt: skip
def test_python_and_the_command_give_one_result(sample: Path, given: dict[str, Any], typed: list[str]) -> None:
    shown = CliRunner().invoke(main, ["score", str(sample), *typed, "--format", "json", "--quiet"])
    assert shown.exit_code == 0, shown.output
    assert plain(thm_torchmetrics.score(sample, **given).to_json()) == plain(json.loads(shown.stdout))


def test_every_option_of_the_command_is_an_argument_and_the_other_way_round() -> None:
    arguments = set(inspect.signature(thm_torchmetrics.score).parameters) - {"progress", "sums", "pictures"}
    options = {str(param.name) for param in command.params if param.expose_value} - SHOWN
    assert arguments == options - {"option"} | {"options"}


def test_defaults_are_those_of_the_command() -> None:
    usual = {name: each.default for name, each in inspect.signature(thm_torchmetrics.score).parameters.items()}
    for param in command.params:
        if param.name in usual and not param.multiple and param.default is not None:
            assert param.default == usual[str(param.name)] or not usual[str(param.name)], param.name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": "psnrr"}, "psnrr"),
        ({"metrics": ["psnr", ""]}, "`metrics=` '': a key is empty"),
        ({"metrics": "psnr", "suite": "thm"}, "`metrics=` and `suite=` exclude each other"),
        ({"metrics": "psnr", "tracks": "longest"}, "`tracks=`: no metric of this run tracks faces"),
        ({"metrics": "psnr", "every": 0}, "`every=0`"),
        ({"metrics": "psnr", "every": "2"}, "`every='2'`"),
        ({"metrics": "psnr", "fps": float("nan")}, "`fps=nan`"),
        ({"metrics": "psnr", "fps": 30}, "`fps=`: no clip of this run is a folder of pictures"),
        ({"metrics": "psnr", "device": "abacus"}, "`device='abacus'`: PyTorch cannot compute there"),
        ({"metrics": "psnr", "target": 3}, "`target=` needs a path, got int"),
        ({"metrics": "psnr", "extractor": {"lmd": "dlib"}}, "`extractor={'lmd': 'dlib'}`: 'lmd' is none of psnr"),
        ({"metrics": "psnr", "options": {"psnr": {"verage": "clip"}}}, "option psnr.verage=clip: psnr has no option"),
        ({"metrics": "psnr", "weights": {"alexnet": "x.pth"}}, "x.pth"),
        ({"metrics": "psnr", "align": "sideways"}, "align"),
        ({"metrics": []}, "`metrics=` needs keys, such as 'psnr'"),
        ({"metrics": 3}, "`metrics=3`: a list of keys is needed"),
        ({"metrics": [3]}, "`metrics=` needs keys, such as 'psnr'"),
        ({"suite": 3}, "`suite=3`: a text is needed"),
        ({"metrics": "psnr", "fps": "25"}, "`fps='25'`: a number is needed"),
        ({"metrics": "psnr", "every": True}, "`every=True`: a whole number is needed"),
        ({"metrics": "psnr", "per_frame": "no"}, "`per_frame='no'`: True or False is needed"),
        ({"metrics": "psnr", "options": ["average"]}, "`options=` must be a mapping such as"),
        ({"metrics": "psnr", "options": {"psnr": "clip"}}, "`options=` must be a mapping such as"),
        ({"metrics": "psnr", "weights": ["a.pth"]}, "`weights=` must be a mapping such as"),
        ({"metrics": "fid", "target_features": {"fid": 3}}, "`target_features=` needs a path, got int"),
        ({"metrics": "psnr", "shard": "1/1", "sums": "no/such/part.zip"}, "there is no folder no/such; make it"),
        ({"data": None}, "nothing to score: give `data=`, or `preds=` and `target=`, or `pairs=`"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named_in_the_words_of_python(sample: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        thm_torchmetrics.score(**{"data": sample} | given)
    assert message in str(caught.value)
    assert "--" not in str(caught.value).replace("--metrics lmd:PROTOCOL", "")


def test_a_clip_that_fails_does_not_stop_the_others(sample: Path, data: Path) -> None:
    broken = sorted((data / "pred_video").iterdir())[0]
    broken.write_bytes(b"no video")
    result = thm_torchmetrics.score(data, metrics="psnr")
    assert [clip.clip for clip in result.failed] == [broken.stem]
    assert result.metrics["psnr"].clips == 1
    assert result.to_pandas()["psnr"].isna().tolist() == [True, False]
