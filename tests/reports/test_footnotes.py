"""What changes a number stands wherever the number stands, and nothing of the user's folders does."""

import io
from collections.abc import Callable

import pytest
from reports.results import metric, result

from thm_torchmetrics.reports.footnotes import find_footnotes
from thm_torchmetrics.reports.shortening import first_clause, without_folders
from thm_torchmetrics.reports.table import show
from thm_torchmetrics.reports.text import to_csv, to_latex, to_markdown
from thm_torchmetrics.scoring.result import ClipScore, Result

KEYS = ("psnr", "csim", "lse-d", "aue")


def to_terminal(found: Result) -> str:
    screen = io.StringIO()
    show(found, screen)
    return screen.getvalue()


FORMATS: dict[str, Callable[[Result], str]] = {
    "terminal": to_terminal,
    "csv": to_csv,
    "md": lambda found: to_markdown(found).replace("\\", ""),
    "latex": lambda found: to_latex(found).replace("\\_", "_"),
}
PAPER = {name: FORMATS[name] for name in ("csv", "md", "latex")}


def custom(**entry: object) -> dict[str, dict[str, object]]:
    return {"arcface-r100": {"file": "my_face.pth", "sha256": "444fa7d1c0de" + "0" * 52, "custom": True, **entry}}


def remarkable(fact: str) -> tuple[Result, tuple[str, ...], str]:
    """A result with a fact, the metrics that it changes, and the words that tell it."""
    found = result(KEYS)
    if fact == "checkpoint":
        found.provenance = {"weights": custom()}
        return found, ("csim",), "csim: custom checkpoint arcface-r100 (my_face.pth, sha256 444fa7d1c0de)"
    if fact == "checkpoint of several":
        found.provenance = {"weights": {"fan2d": {**custom()["arcface-r100"], "metrics": ["csim", "lse-d"]}}}
        return found, ("csim", "lse-d"), "csim, lse-d: custom checkpoint fan2d (my_face.pth, sha256 444fa7d1c0de)"
    if fact == "every":
        found.provenance = {"every": 3}
        return found, KEYS, "all metrics: every 3rd frame only"
    if fact == "option":
        found.provenance = {"deviations": {"lse-d": ["min_track=20"]}}
        return found, ("lse-d",), "lse-d: min_track=20"
    if fact == "rows of tables":
        found.provenance = {"action_units": {"successful_only": True, "min_confidence": 0.0, "face_id": 0}}
        return found, ("aue",), "aue: rows of tables by successful_only=True"
    if fact == "face":
        found.provenance = {"action_units": {"successful_only": False, "min_confidence": 0.0, "face_id": 0}}
        return found, ("aue",), "aue: rows of tables by face_id=0"
    if fact == "sound":
        found = result(KEYS, ("a", "b", "c"))
        for clip, origin in zip(found.clips, ("audio file", "own sound track", "audio file"), strict=True):
            clip.metrics["lse-d"] = ClipScore(0.5, 1, 0, {"audio": origin})
        return found, ("lse-d",), "lse-d: sound from audio file (2 clips), own sound track (1 clip)"
    if fact == "own sound":
        found.clips[0].metrics["lse-d"] = ClipScore(0.5, 1, 0, {"audio": "own sound track"})
        return found, ("lse-d",), "lse-d: sound from own sound tracks"
    if fact == "by number":
        found.provenance = {
            "arguments": {"align": "truncate"},
            "options": {key: {"align": "truncate"} for key in KEYS},
        }
        changed = tuple(key for key in KEYS if key != "lse-d")
        return found, changed, f"{', '.join(changed)}: frame i beside frame i, also of unlike frame rates"
    if fact == "rate of pictures":
        found.provenance = {"arguments": {"fps": 29.97}, "options": {"psnr": {"align": "time"}}}
        return found, ("psnr", "lse-d"), "psnr, lse-d: pictures at 29.97 frames per second"
    if fact == "features":
        made = "features made by deep3d, landmarks fan, every 10, version 0.1.0, checkpoint deep3d 444fa7d1c0de"
        found.provenance = {"deviations": {"csim": [made]}, "features": {"csim": {"extractor": "deep3d"}}}
        return found, ("csim",), f"csim: {made}"
    found.notes = ["csim: few frames; the value is biased"]
    return found, ("csim",), "csim: few frames; the value is biased"


FACTS = (
    "checkpoint", "checkpoint of several", "every", "option", "rows of tables", "face", "sound", "own sound",
    "by number", "rate of pictures", "features", "note",
)  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_what_changes_a_number(form: str, fact: str) -> None:
    found, _, words = remarkable(fact)
    text = FORMATS[form](found)
    # a comment of LaTeX or Markdown is not read by who reads the number
    seen = [line for line in text.splitlines() if not line.startswith(("%", "<!--"))]
    assert any(words in line for line in seen)


@pytest.mark.parametrize("fact", FACTS)
def test_labels_of_changed_metrics_and_no_others_are_marked(fact: str) -> None:
    found, changed, _ = remarkable(fact)
    lines = to_terminal(found).splitlines()
    first = [line.split()[0] for line in lines if " 0.5000 " in line]
    assert first == [f"{key}*" if key in changed else key for key in KEYS]
    head = next(line for line in to_latex(found).splitlines() if line.startswith("Method"))
    titles = [title.split(" $")[0] for title in head.split(" & ")[1:]]
    assert titles == [f"{key.upper()}*" if key in changed else key.upper() for key in KEYS]
    cells = to_markdown(found).splitlines()[2:6]
    assert [cell.split()[1] for cell in cells] == [rf"{key}\*" if key in changed else key for key in KEYS]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_marked_where_nothing_is_remarkable(form: str) -> None:
    published = {name: {**entry, "custom": False} for name, entry in custom().items()}
    plain = {"successful_only": False, "min_confidence": 0.0, "face_id": None}
    found = result(KEYS, every=1, weights=published, deviations={}, action_units=plain)
    found.clips[0].metrics["lse-d"] = ClipScore(0.5, 1, 0, {"audio": "audio file"})
    assert "*" not in FORMATS[form](found)


@pytest.mark.parametrize("form", FORMATS)
def test_sound_from_files_is_told_without_a_mark(form: str) -> None:
    found = result(KEYS, ("a", "b"))
    for clip in found.clips:
        clip.metrics["lse-d"] = ClipScore(0.5, 1, 0, {"audio": "audio file"})
    assert "lse-d: sound from audio files" in FORMATS[form](found)
    assert "*" not in FORMATS[form](found)


def test_metrics_of_one_number_are_not_paired() -> None:
    """FID has no value per clip, so its frames have no partners."""
    found = result(("psnr", "fid"))
    del found.clips[0].metrics["fid"]
    found.provenance = {"arguments": {"align": "truncate"}, "options": {key: {"align": "truncate"} for key in KEYS}}
    found.provenance["options"]["fid"] = {"align": "truncate"}
    assert {key: bool(facts) for key, facts in find_footnotes(found).by_metric.items()} == {"psnr": True, "fid": False}


def test_a_checkpoint_that_may_feed_any_network_marks_all_with_one() -> None:
    found = result(KEYS, weights={"fan2d": custom()["arcface-r100"]})
    assert [key for key, facts in find_footnotes(found).by_metric.items() if facts] == ["csim", "lse-d"]


def test_features_are_read_whole_whatever_the_step() -> None:
    found = result(KEYS, every=2, inputs={"features of csim": {"preds": "p"}})
    assert [key for key, facts in find_footnotes(found).by_metric.items() if not facts] == ["csim"]


@pytest.mark.parametrize(("every", "words"), [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st")])
def test_ordinals(every: int, words: str) -> None:
    assert f"every {words} frame only" in to_csv(result(every=every))


@pytest.mark.parametrize("form", FORMATS)
def test_a_metric_without_a_value_says_why_once(form: str) -> None:
    found = result(("psnr", "csim"))
    found.metrics = {"psnr": metric("psnr"), "csim": metric("csim", None, why="no face found in 223 frames")}
    found.notes = ["csim: no value: no face found in 223 frames"]
    text = FORMATS[form](found)
    assert text.count("no face found in 223 frames") == 1
    assert "*" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_remark_is_told(form: str) -> None:
    found = result(("psnr", "csim"), ("a",))
    found.notes = ["psnr", "psnr is odd", "fid: of no metric here", "a remark on the run", "csim: of csim"]
    found.clips[0].notes = ["varies in rate"]
    text = FORMATS[form](found)
    for note in (*found.notes[:4], "csim: of csim", "varies in rate"):
        assert note in text


@pytest.mark.parametrize("form", PAPER)
def test_papers_hold_no_folder_and_no_kilobyte(form: str) -> None:
    found = result(("psnr", "csim"), tuple(f"clip{i}" for i in range(50)))
    places = "/home/alice/.cache/thm, /Users/Alice B. Smith/models, C:\\Users\\alice\\models, ~alice/x, ../alice/y"
    reason = f"the checkpoint 'syncnet' is missing; it is in none of {places}; " + "pass it or fetch it. " * 50
    found.provenance = {
        "inputs": {"preds": "/mnt/alice data/pred_video", "features of csim": {"preds": "/srv/alice feats"}},
        "weights": custom(file="/home/alice/my_face.pth"),
        "deviations": {"csim": ["landmarks=/home/alice/lm.npz"]},
    }
    found.skipped = {"lse-d": reason}
    found.notes = [f"read from {places} " + "and more " * 100]
    for clip in found.clips:
        clip.errors = [f"csim: /mnt/alice data/pred_video/{clip.clip}.mp4: cannot be read, x; {reason}"]
        clip.notes = [f"/srv/alice feats/{clip.clip}.npy and /home/alice/{clip.clip}.wav differ " + "much " * 200]
    text = PAPER[form](found)
    assert "alice" not in text.lower()
    assert "clip0.mp4: cannot be read, x" in text
    assert max(map(len, text.splitlines())) < 1000


def test_json_holds_the_folders() -> None:
    found = result(inputs={"preds": "/home/alice/pred_video"})
    assert found.to_json()["provenance"]["inputs"]["preds"] == "/home/alice/pred_video"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/home/me/a.mp4: cut short", "a.mp4: cut short"),
        ("PosixPath('/a/b/c d.mp4')", "PosixPath('c d.mp4')"),
        (r"C:\Users\Me Too\a.mp4 and D:/x/b.mp4", "a.mp4 and b.mp4"),
        (r"\\server\share\a.mp4", "a.mp4"),
        ("~/a.mp4, ~me/b.mp4, ./c.mp4, ../../d.mp4", "a.mp4, b.mp4, c.mp4, d.mp4"),
        ("/home/My Name/x/a.mp4 is absent", "a.mp4 is absent"),
        ("see https://x.org/a/b.pth for more", "see https://x.org/a/b.pth for more"),
        ("and/or 1/2, 30000/1001 fps, a / b", "and/or 1/2, 30000/1001 fps, a / b"),
        ("sub/clip keeps its folder", "sub/clip keeps its folder"),
        ("pass --weights fan2d=/data/w/fan.pth", "pass --weights fan2d=fan.pth"),
        ("nothing here", "nothing here"),
    ],
)
def test_paths_are_shortened_to_names_of_files(text: str, short: str) -> None:
    assert without_folders(text) == short


def test_known_folders_may_hold_blanks() -> None:
    assert without_folders("my data/x/a.mp4 is short", ["my data", "my data/x"]) == "a.mp4 is short"
    assert without_folders("in /a b/c d", ["/a b"]) == "in c d"


@pytest.mark.parametrize(
    ("reason", "clause"),
    [
        ("a.mp4: is cut short; copy it again", "a.mp4: is cut short"),
        ("It is 1.5 s long. Use another", "It is 1.5 s long"),
        ("first\nsecond", "first"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_a_reason_is_cut_to_its_first_clause(reason: str, clause: str) -> None:
    assert first_clause(reason) == clause
