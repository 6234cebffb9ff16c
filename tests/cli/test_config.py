"""``thm score --config FILE.toml`` and ``-o FILE.toml``: the options of a run, written and read."""

import json
import os
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from reports.results import result as made_up

from thm_torchmetrics.cli import main
from thm_torchmetrics.cli.config import options_by_key
from thm_torchmetrics.cli.score import score
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.reports.run_file import check_storable, to_toml

HOSTILE = [
    "plain", "a b", 'quo"te', "back\\slash", "new\nline", "tab\t", "\x00nul", "\x1b[31m", "\x7fdel", "\u202ertl",
    "é中😀", "\ufeffbom", "# no comment", "= ]", "'", '"""', "\u2028", "\x85", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.2, size=64)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["score", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def report(*arguments: object) -> dict[str, Any]:
    result = thm(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(*arguments: object) -> str:
    result = thm(*arguments)
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


# ---- written


def test_what_is_written_is_what_was_given(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    result = thm(sample, "--metrics", "psnr", "--metrics", "aue", "--every", 2, "--au-min-confidence", 0.5,
                 "--au-successful-only", "--fail-under", "psnr=1", "-o", path, "-o", tmp_path / "r.json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert tomllib.loads(path.read_text()) == {
        "data": str(sample),
        "metrics": ["psnr", "aue"],
        "every": 2,
        "au-min-confidence": 0.5,
        "au-successful-only": True,
        "fail-under": ["psnr=1"],
        "output": [str(tmp_path / "r.json")],
    }
    assert "psnr: protocol=piq" in path.read_text()


def test_a_repeated_run_is_the_same_run(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    first = report(sample, "--metrics", "psnr,aue", "--every", 2, "--average", "clip", "-o", path)
    again = report("--config", path)
    assert again["metrics"] == first["metrics"]
    assert again["clips"] == first["clips"]
    assert again["provenance"]["options"] == first["provenance"]["options"]
    given = ("data", "metrics", "every", "average")
    assert all(again["provenance"]["arguments"][key] == first["provenance"]["arguments"][key] for key in given)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    """Read by the standard library's TOML."""
    given = {"data": text, "weights": [text, f"x={text}"], "every": 3, "fps": 29.97, "quiet": True}
    written = to_toml(made_up(arguments=given, command=f"thm score {text}"))
    assert tomllib.loads(written) == given


@pytest.mark.parametrize("number", [0, 1, -5, 1e-07, 1e22, 29.97, 0.1 + 0.2])
def test_every_number_comes_back_as_it_was(number: float) -> None:
    assert tomllib.loads(to_toml(made_up(arguments={"x": number}))) == {"x": number}


def test_a_name_that_toml_cannot_hold_is_refused_before_the_work(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = os.fsdecode(b"latin-\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        check_storable({"data": name})

    def work(*args: object, **kwargs: object) -> None:
        raise AssertionError("work has begun")

    monkeypatch.setattr("thm_torchmetrics.scoring.dataset.make_metrics", work)
    (tmp_path / name).symlink_to(sample)
    assert "latin-" in refused(tmp_path / name, "--metrics", "psnr", "-o", tmp_path / "run.toml")


# ---- read


def test_a_file_may_hold_every_option_of_the_command(tmp_path: Path) -> None:
    """Each as click takes it from the command line; what the file says reaches the command."""
    values: dict[str, Any] = {
        "data": "d", "every": 2, "fps": 30.0, "min-track": 5, "min-face-size": 1.5, "au-min-confidence": 0.25,
        "au-face-id": 1, "align": "time", "resize": "bilinear", "missing": "error", "average": "clip",
        "tracks": "longest", "format": "json", "suite": "all", "device": "cpu",
        "devices": 2, "num-nodes": 1,
    }  # fmt: skip
    texts = []
    for key, param in options_by_key(score).items():
        if isinstance(param, click.Option) and param.is_flag:
            values[key] = True
        elif key not in values:
            values[key] = ["a=b", "c=d"] if param.multiple else "text"
        value = values[key]
        shown = str(value).lower() if isinstance(value, bool) else json.dumps(value)
        texts.append(f"{key.replace('-', '_')} = {shown}\n")
    path = tmp_path / "run.toml"
    path.write_text("".join(texts))
    context = score.make_context("score", ["--config", str(path)])
    for key, param in options_by_key(score).items():
        value = context.params[str(param.name)]
        plain = [str(each) for each in value] if isinstance(value, tuple) else value
        assert (str(plain) if isinstance(plain, Path) else plain) == values[key], key


def test_the_command_line_goes_before_the_file(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'data = "{sample}"\nmetrics = ["psnr", "ssim"]\nevery = 2\naverage = "clip"\n')
    found = report("--config", path, "--metrics", "psnr", "--every", 1)
    assert list(found["metrics"]) == ["psnr"]
    assert found["provenance"]["every"] == 1
    assert found["provenance"]["options"]["psnr"]["average"] == "clip"


@pytest.mark.parametrize(
    ("written", "typed", "dropped"),
    [
        ('metrics = "psnr"', ["--suite", "offline"], "metrics"),
        ('suite = "offline"', ["--metrics", "psnr"], "suite"),
        ('pairs = "gone.csv"\nmetrics = "psnr"', ["DATA"], "pairs"),
    ],
)
def test_what_is_typed_takes_the_place_of_what_it_excludes(
    sample: Path, tmp_path: Path, written: str, typed: list[str], dropped: str
) -> None:
    path = tmp_path / "run.toml"
    path.write_text((f'data = "{sample}"\n' if "DATA" not in typed else "") + written)
    given = [sample if text == "DATA" else text for text in typed]
    result = thm("--config", path, *given, "--format", "json")
    assert result.exit_code in (0, 3), result.output
    assert dropped not in json.loads(result.stdout)["provenance"]["arguments"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evry = 2", "there is no option 'evry', did you mean 'every'?"),
        ("config = 'x'", "there is no option 'config'"),
        ("help = true", "there is no option 'help'"),
        ("[score]\nevery = 2", "there is no option 'score'"),
        ("every = 0", "every = 0: 0 is not in the range"),
        ("every = 2.5", "every = 2.5: '2.5' is not a valid integer"),
        ("every = true", "every = True: it takes text or a number"),
        ("every = [1, 2]", "it takes one value, not a list"),
        ("every = 2026-01-01", "it takes text or a number"),
        ("metrics = [['psnr']]", "it takes text or a number, or a list of them"),
        ("align = 'index'", "'index' is not one of"),
        ("quiet = 'yes'", "quiet = 'yes': it takes true or false"),
        ("quiet = 1", "quiet = 1: it takes true or false"),
        ("au-min-confidence = nan", "is not a finite number"),
        ("au-face-id = 1\nau_face_id = 1", "au-face-id stands there twice"),
        ("every = 1\nevery = 2", "is not TOML"),
        ("every == 1", "is not TOML"),
        ("metrics = 'psnr,'", "a key is empty"),
        ("metrics = 'psnr'\nmin-track = 3", "--min-track: no metric of this run tracks faces"),
    ],
)
def test_a_file_is_checked_as_the_command_line_is(sample: Path, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    assert said in refused(sample, "--config", path)


def test_a_file_that_cannot_be_read_is_named(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"data = '\xe9'")
    for path in (tmp_path / "absent.toml", tmp_path, tmp_path / "latin.toml"):
        assert f"--config {path}: " in refused(sample, "--config", path)


# ---- the report


def test_the_report_tells_command_duration_and_gates(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = ("--fail-under", "psnr=1", "--fail-under", "aue=1e9")
    found = report(sample, "--metrics", "psnr,aue", *gates)["provenance"]
    typed = ["thm", "score", str(sample), "--metrics", "psnr,aue", *gates, "--format", "json"]
    assert shlex.split(found["command"]) == typed
    assert found["duration_s"] > 0
    assert [(gate["metric"], gate["limit"], gate["passed"]) for gate in found["gates"]] == [
        ("psnr", 1.0, True),
        ("aue", 1e9, True),
    ]


@pytest.mark.parametrize(
    ("home", "command"),
    [
        ("", "thm score ~ --metrics psnr --every 9"),
        ("/..", "thm score ~/.. --metrics psnr --every 9"),
    ],
)
def test_the_user_s_folder_is_not_in_the_command(
    sample: Path, monkeypatch: pytest.MonkeyPatch, home: str, command: str
) -> None:
    folder = sample / "x" if home else sample
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(folder))
    found = thm(f"{folder}{home}", "--metrics", "psnr", "--every", 9, "-o", sample / "r.json")
    assert found.exit_code == 0, found.output
    written = json.loads((sample / "r.json").read_text())["provenance"]["command"]
    assert written.startswith(command)


def test_gates_say_which_failed(sample: Path) -> None:
    result = thm(sample, "--metrics", "psnr,ssim,aue", "--fail-under", "psnr=90", "--fail-under", "ssim=0",
                 "--fail-under", "aue=0", "--format", "json")  # fmt: skip
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    psnr, aue = (found["metrics"][key]["value"] for key in ("psnr", "aue"))
    assert result.stderr.splitlines() == [f"psnr {psnr:.6g} is below 90", f"aue {aue:.6g} is above 0"]
    assert [gate["passed"] for gate in found["provenance"]["gates"]] == [False, True, False]


def test_a_gate_on_a_metric_without_a_value_says_so(sample: Path) -> None:
    result = thm(sample, "--metrics", "psnr,lpips", "--offline", "--fail-under", "lpips=1")
    assert result.exit_code == 1
    assert "lpips has no value, and --fail-under asks for 1" in result.stderr
