"""Options that would be lost, ignored or guessed are usage errors, found before any work."""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from thm_torchmetrics import catalog
from thm_torchmetrics.cli import main
from thm_torchmetrics.cli.group import Group
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.scoring.sketch import checkpoints_needed, sketch
from thm_torchmetrics.scoring.unused import options_used
from thm_torchmetrics.weights import registry


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.2, size=64)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def refused(sample: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs ``thm score`` with options that must be refused before any checkpoint or file is opened."""

    def work(*args: object, **kwargs: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.setattr("thm_torchmetrics.scoring.dataset.make_metrics", work)

    def run(*arguments: object) -> str:
        result = thm("score", *arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        return " ".join(result.stderr.split())

    return run


# ---- an option of one value that is given twice


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


SINGLE = [
    (path, option)
    for path, command in commands(main)
    for option in command.params
    if isinstance(option, click.Option) and not (option.multiple or option.is_flag)
]


def test_there_are_such_options() -> None:
    assert isinstance(main, Group)
    assert {("score",), ("weights", "fetch"), ("extract",), ("list",), ("doctor",)} <= {path for path, _ in SINGLE}


@pytest.mark.parametrize(
    ("path", "option"), SINGLE, ids=lambda part: " ".join(part) if isinstance(part, tuple) else part.name
)
def test_every_option_of_one_value_is_refused_twice(path: tuple[str, ...], option: click.Option) -> None:
    """Of each command that there is, however it is defined; click itself keeps the last value."""
    short, long = min(option.opts, key=len), max(option.opts, key=len)
    for spelled in ((long, "1", long, "2"), (f"{long}=1", short, "1")):
        result = thm(*path, *spelled)
        assert result.exit_code == 2
        assert f"{long} is given 2 times, and takes one value" in " ".join(result.stderr.split())


def test_flags_and_repeatable_options_may_be_repeated(sample: Path, tmp_path: Path) -> None:
    result = thm("score", sample, "--metrics", "psnr", "--quiet", "--quiet", "-o", tmp_path / "a.json", "-o",
                 tmp_path / "b.csv")  # fmt: skip
    assert result.exit_code == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_metrics_add_up_each_once(sample: Path) -> None:
    result = thm("score", sample, "--metrics", "psnr", "--metrics", " ssim , psnr", "--every", 2)
    rows = [line.split()[0] for line in result.stdout.splitlines() if " dB " in line or " piq " in line]
    assert rows == ["psnr*", "ssim*"]


@pytest.mark.parametrize("text", ["", " ", ",", "psnr,,", ",psnr", "psnr, ,ssim"])
def test_a_metric_without_a_name_is_no_metric(refused, sample: Path, text: str) -> None:
    assert "a key is empty" in refused(sample, "--metrics", text)


def test_keys_separated_by_blanks_are_named_with_commas(refused, sample: Path) -> None:
    assert "separate keys by commas: psnr,ssim" in refused(sample, "--metrics", "psnr ssim")


def test_an_empty_suite_is_no_suite(refused, sample: Path) -> None:
    assert "unknown suite ''" in refused(sample, "--suite", "")


# ---- an option that changes nothing

TABLES = ["--au-successful-only", "--au-min-confidence 0.5", "--au-face-id 0", "--preds-au .", "--target-au ."]


@pytest.mark.parametrize(
    ("metrics", "option"),
    [
        *(("psnr,cpbd", option) for option in (*TABLES, "--audio .", "--min-track 9", "--tracks longest")),
        *(("aue", option) for option in ("--resize bilinear", "--preds .", "--target .", "--min-face-size 9")),
        *(("cpbd", option) for option in ("--resize bicubic", "--align time", "--target .")),
        ("psnr,aue", "--with-target"),
        ("fid", "--average clip"),
        ("lse-d:wav2lip-lrs", "--min-track 50"),
        ("csim", "--resize bilinear"),
        ("psnr", "--fps 30"),
        ("psnr", "--fps 25"),
    ],
)
def test_an_option_that_changes_nothing_is_named(sample: Path, metrics: str, option: str) -> None:
    result = thm("score", sample, "--metrics", metrics, "--offline", *option.split())
    assert result.exit_code == 2, result.output
    assert f"{option.split()[0]}: no " in " ".join(result.stderr.split())


def test_all_options_that_change_nothing_are_named_at_once(refused, sample: Path) -> None:
    said = refused(sample, "--metrics", "cpbd", "--resize", "bilinear", "--au-face-id", 1, "--min-track", 3)
    assert all(f"{option}: no metric of this run " in said for option in ("--resize", "--au-face-id", "--min-track"))


def test_an_option_is_used_if_one_metric_of_a_suite_has_it(sample: Path) -> None:
    """Also if that metric cannot run for want of a checkpoint."""
    given = ("--min-track", 50, "--au-min-confidence", 0.5, "--resize", "bilinear", "--with-target", "--align", "time")
    assert thm("score", sample, "--suite", "talkinggaussian", "--offline", *given).exit_code == 0


def test_an_option_of_one_metric_makes_that_of_all_useless(refused, sample: Path) -> None:
    said = refused(sample, "--metrics", "psnr", "--average", "clip", "--option", "psnr.average=frame")
    assert "--average: no metric" in said


def test_options_of_the_command_and_of_the_metrics_are_known_to_each_other() -> None:
    """Every metric of the catalog uses what it reads."""
    for key, row in catalog.CATALOG.items():
        used = options_used(key, {}, sketch(key), on_features=False, with_target=False)
        assert set(row.inputs) <= used, key


def test_what_features_make_useless_is_named(refused, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 68, 2)))
    given = ("--metrics", "lmd", "--preds-features", f"lmd={tmp_path}", "--target-features", f"lmd={tmp_path}")
    assert "--extractor lmd=dlib changes nothing: lmd is given features" in refused(*given, "--extractor", "lmd=dlib")
    assert "--every: no metric of this run reads frames" in refused(*given, "--every", 2)
    assert "--preds: no metric of this run" in refused(*given, "--preds", tmp_path)


def test_a_value_for_all_protocols_must_be_used_by_one(refused, sample: Path) -> None:
    said = refused(sample, "--metrics", "lmd:vico", "--extractor", "lmd=fan", "--extractor", "lmd:vico=dlib")
    assert "--extractor lmd=fan changes nothing" in said


@pytest.mark.parametrize(
    ("metrics", "option", "values"),
    [
        ("aue", "--au-min-confidence", ("-0.1", "1.01", "nan", "inf", "2")),
        ("psnr", "--fps", ("0", "-1", "nan", "inf")),
        ("lse-d", "--min-face-size", ("-1", "nan", "inf")),
        ("lse-d", "--min-track", ("-1", "1.5", "nan")),
        ("psnr", "--every", ("0", "1.5")),
    ],
)
def test_numbers_lie_in_their_range(refused, sample: Path, metrics: str, option: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert f"'{option}'" in refused(sample, "--metrics", metrics, f"{option}={value}")


# ---- checkpoints


def test_a_checkpoint_that_is_absent_is_named_before_any_work(refused, sample: Path, tmp_path: Path) -> None:
    said = refused(sample, "--metrics", "psnr,lpips", "--weights", f"alexnet={tmp_path}/typo.pth")
    assert "'alexnet' does not exist" in said
    assert "typo.pth" in said


@pytest.mark.parametrize(
    ("metrics", "name"),
    [("psnr", "alexnet"), ("lpips", "vgg16"), ("lpips:vgg", "alexnet"), ("lse-d:wav2lip-lrs", "s3fd"),
     ("csim:vico", "fan2d"), ("lmd:atvg", "fan2d")],
)  # fmt: skip
def test_a_checkpoint_that_no_metric_needs_is_named(
    refused, sample: Path, tmp_path: Path, metrics: str, name: str
) -> None:
    (tmp_path / "x.pth").touch()
    assert f"no metric of this run uses '{name}'" in refused(
        sample, "--metrics", metrics, "--weights", f"{name}={tmp_path}/x.pth"
    )


def test_a_folder_of_checkpoints_that_no_metric_needs_is_named(refused, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "syncnet.pth").touch()
    assert "no metric of this run uses syncnet" in refused(sample, "--metrics", "psnr", "--weights-dir", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        f"{row.key}:{each.name}"
        for row in catalog.CATALOG.values()
        for each in row.published
        if row.default_extractor not in (None, "thumbnail")
        and each.options.get("extractor", row.default_extractor) is not None
    ],
)
def test_what_a_metric_needs_is_known_without_a_checkpoint(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*args: object, **kwargs: object) -> None:
        raise AssertionError("a checkpoint was looked for")

    monkeypatch.setattr("thm_torchmetrics.weights.checkpoints.try_to_obtain", look)
    assert set() < checkpoints_needed(text) <= registry().keys()


# ---- networks


def test_a_network_that_does_not_fit_a_protocol_is_named_with_its_metric(refused, sample: Path) -> None:
    said = refused(sample, "--metrics", "psnr,aed-id", "--extractor", "aed-id=dlib")
    assert "aed-id: the extractor 'dlib' works on aligned faces only; take the protocol 'aligned'" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--extractor psnr=foo", "psnr has no networks"),
        ("--extractor lmd=dlib", "'lmd' is none of psnr"),
        ("--fail-under ssim=1", "'ssim' is none of psnr"),
        ("--fail-under psnr=high", "could not convert"),
    ],
)
def test_other_wrong_values(refused, sample: Path, given: str, said: str) -> None:
    assert said in refused(sample, "--metrics", "psnr", *given.split())


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", "abacus", "cpu:x"])
def test_a_device_that_cannot_compute_is_refused(sample: Path, device: str) -> None:
    result = thm("score", sample, "--metrics", "psnr", "--device", device)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert f"--device {device}: PyTorch cannot compute there; it can on cpu" in said


def test_a_demo_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file/x", Path("/proc/x")):
        result = thm("demo", "--folder", folder)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert str(folder) in result.stderr
