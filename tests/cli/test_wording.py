"""Messages of the Python API in the words of the command line."""

import ast
import re
from pathlib import Path

import pytest

import thm_torchmetrics
from thm_torchmetrics import catalog
from thm_torchmetrics.cli.wording import in_cli_words, put_into_cli_words
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.scoring.metric_options import settable_options
from thm_torchmetrics.scoring.result import ClipResult, MetricResult, Result

NAMES = {name for row in catalog.CATALOG.values() for name in settable_options(metric_class(row))}
NAMES |= {"protocol", "extractor", "weights", "face_id", "min_confidence", "successful_only", "every", "fps"}
ASSIGNED = re.compile(rf"(?<![\w.-])({'|'.join(NAMES)})=")
NOT_SHOWN = {"weights.readme"}
"""Modules that write a page, not messages."""


def texts(node: ast.AST) -> str:
    """A string or f-string as it could be printed, with 7 for every value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(texts(part) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


def messages() -> list[tuple[str, str]]:
    """Every string in the package that is no docstring and assigns an option, with its place."""
    root = Path(next(iter(thm_torchmetrics.__path__)))
    found = []
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module.split(".")[0] == "cli" or module in NOT_SHOWN:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) not in docstrings | parts and ASSIGNED.search(texts(node)):
                found.append((f"{module}:{node.lineno}", texts(node)))
    return found


MESSAGES = messages()


def test_there_are_such_messages() -> None:
    assert len(MESSAGES) >= 6
    assert any("resize=" in text for _, text in MESSAGES)


@pytest.mark.parametrize(("place", "text"), MESSAGES)
def test_every_option_in_a_message_is_put_into_cli_words(place: str, text: str) -> None:
    said = in_cli_words(text, ["lse-d"])
    left = [match[1] for match in ASSIGNED.finditer(said) if not said[: match.start()].endswith(("--option ", "."))]
    assert left == [], said
    assert "--" in said
    assert "in Python" not in said


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        ('pass resize="bilinear" to bring', ["psnr"], "pass --resize bilinear to bring"),
        ("pass align='truncate' to", ["lmd:vico"], "pass --align truncate to"),
        ('scored; pass missing="skip"', [], "scored; pass --missing skip"),
        ('it has no average="clip"', ["psnr"], "it has no --average clip"),
        ('measure csim with reference="image"', ["psnr"], "measure csim with --option csim.reference=image"),
        ("pass facedet_scale=0.5, or", ["lse-c", "lse-d"], "pass --option lse-c.facedet_scale=0.5, or"),
        (
            "a lower `min_track=` finds more",
            ["psnr", "lse-d:tracked"],
            "a lower --min-track finds more",
        ),
        ("pass num_features=512", ["fid"], "pass --option fid.num_features=512"),
        ("choose one with face_id= (--au-face-id)", [], "choose one with --au-face-id"),
        ("by path (weights= in Python, --weights x=FILE)", [], "by path (--weights x=FILE)"),
        ("a = b, x=3, a.align=7, realign=2", [], "a = b, x=3, a.align=7, realign=2"),
    ],
)
def test_words(text: str, keys: list[str], said: str) -> None:
    assert in_cli_words(text, keys) == said
    assert in_cli_words(said, keys) == said


def test_all_reasons_of_a_result_are_put_into_cli_words() -> None:
    python, cli = 'pass resize="bilinear"', "pass --resize bilinear"
    clip = ClipResult("a", [f"psnr, ssim: {python}"], {"ssim": ClipScore(1.0, 1, 0, {"not_scored": python})}, [python])
    metric = MetricResult(None, "", True, "piq", None, 0, 0, None, 0, why=python)
    result = Result({"given": python}, {"psnr": metric}, [clip], {"lmd": python}, [python])
    put_into_cli_words(result)
    assert clip.errors == [f"psnr, ssim: {cli}"]
    assert clip.notes == result.notes == [cli]
    assert clip.metrics["ssim"].detail == {"not_scored": cli}
    assert result.metrics["psnr"].why == result.skipped["lmd"] == cli
