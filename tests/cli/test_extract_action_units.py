"""``thm extract action-units``: tables of OpenFace's program, and features of extractors, never one for the other."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cli.words import words
from click.testing import CliRunner, Result
from media.fake_openface import UNITS, install, intensity
from parity.seeded import seeded_state
from skimage.data import astronaut

from thm_torchmetrics.cli import main
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.media.openface_program import DOCKER_IMAGE
from thm_torchmetrics.media.write import write_video

FRAMES = 10


def run(*arguments: object, **environment: str) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def units(*arguments: object, **environment: str) -> Result:
    return run("extract", "action-units", *arguments, **environment)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "talk.mp4"
    face = np.ascontiguousarray(astronaut()[:256, 96:352])
    write_video(path, [face] * (FRAMES - 2) + [np.zeros_like(face)] * 2, 25)
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return install(tmp_path / "bin")


@pytest.fixture
def videos(tmp_path: Path, footage: Path):
    """Makes videos of these names, by which the fake chooses what it does."""

    def make(*names: str, folder: str = "in") -> list[Path]:
        (tmp_path / folder).mkdir(exist_ok=True)
        return [Path(shutil.copy(footage, tmp_path / folder / f"{name}.mp4")) for name in names]

    return make


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---- OpenFace's own program


def test_the_folders_of_tables_are_scored(program: Path, videos, tmp_path: Path) -> None:
    for side in ("preds", "target"):
        done = units(*videos("a", "my clip.v2", folder=side), "-o", tmp_path / f"{side}_au", "--openface", program)
        assert done.exit_code == 0, done.output
        assert names(tmp_path / f"{side}_au") == ["a.csv", "a.json", "my clip.v2.csv", "my clip.v2.json"]
        assert f"{FRAMES} frames, 0 without a face" in done.stderr
        assert done.stdout == ""
    # the generated video's table moved by one unit in AU01
    table = tmp_path / "preds_au" / "a.csv"
    lines = [line.split(", ") for line in table.read_text().splitlines()]
    for line in lines[1:]:
        line[5] = f"{float(line[5]) + (1 if float(line[5]) < 4 else -1):.2f}"
    table.write_text("\n".join(", ".join(line) for line in lines) + "\n")
    scored = run(
        "score", "--preds-au", tmp_path / "preds_au", "--target-au", tmp_path / "target_au", "--metrics", "aue-u,aue-l",
        "--average", "clip", "--format", "json",
    )  # fmt: skip
    assert scored.exit_code == 0, scored.output
    metrics = json.loads(scored.stdout)["metrics"]
    assert metrics["aue-u"]["value"] == pytest.approx(0.5)  # 1 in one of two clips
    assert metrics["aue-l"]["value"] == pytest.approx(0.0)


def test_one_failed_video_is_named_at_the_end_and_the_others_are_written(program: Path, videos, tmp_path: Path) -> None:
    given = videos("a", "killed", "missing", "b", "hang")
    done = units(*given, "-o", tmp_path / "out", "--openface", program, "--time-limit", 2)
    assert done.exit_code == 3, done.output
    assert names(tmp_path / "out") == ["a.csv", "a.json", "b.csv", "b.json"]
    end = words(done.stderr).split("3 of 5 videos failed, and the others are written:")[1]
    for name, said in (("killed", "SIGKILL"), ("missing", "wrote no table"), ("hang", "did not end within 2 s")):
        assert f"{name}.mp4" in end
        assert said in end


def test_a_single_failed_video_is_the_error_of_the_command(program: Path, videos, tmp_path: Path) -> None:
    done = units(*videos("short"), "-o", tmp_path / "out", "--openface", program)
    assert done.exit_code == 1
    assert "has 2 rows, and the video has 10 frames" in words(done.stderr)
    assert names(tmp_path) == ["bin/FeatureExtraction", "in/short.mp4"]


def test_a_crash_after_the_table_is_a_remark(program: Path, videos, tmp_path: Path) -> None:
    done = units(*videos("segv"), "-o", tmp_path / "out", "--openface", program)
    assert done.exit_code == 0, done.output
    assert "ended with the signal SIGSEGV, but its table is whole" in words(done.stderr)


def test_a_folder_of_videos_keeps_its_names(program: Path, videos, tmp_path: Path) -> None:
    videos("a")
    videos("b", folder="in/sub")
    done = units(tmp_path / "in", "-o", tmp_path / "out", "--openface", program)
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "out") == ["a.csv", "a.json", "sub/b.csv", "sub/b.json"]


def test_the_program_is_found_by_variable_and_path(program: Path, videos, tmp_path: Path, monkeypatch) -> None:
    [video] = videos("a")
    for count, given in enumerate(({"THM_OPENFACE": str(program)}, {"THM_OPENFACE": str(program.parent)})):
        out = tmp_path / f"out{count}"
        done = units(video, "-o", out, "--backend", "openface", PATH=str(tmp_path), **given)
        assert done.exit_code == 0, done.output
    done = units(video, "-o", tmp_path / "out9", "--backend", "openface", PATH=str(program.parent), THM_OPENFACE="")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "out9" / "a.json").read_text())
    assert record["command"][0] == str(program.resolve())


def test_without_a_program_both_ways_to_give_one_are_named(videos, tmp_path: Path) -> None:
    done = units(*videos("a"), "-o", tmp_path / "out", "--backend", "openface", PATH=str(tmp_path), THM_OPENFACE="")
    assert done.exit_code == 2
    said = words(done.stderr)
    assert "--openface PATH" in said
    assert "--docker" in said
    assert not (tmp_path / "out").exists()


def test_models_are_chosen(program: Path, videos, tmp_path: Path) -> None:
    done = units(*videos("a"), "-o", tmp_path, "--openface", program, "--static", "--landmarks", "clnf")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["models"], record["landmark_model"]) == ("static", "model/main_clnf_general.txt")


@pytest.mark.parametrize("given", [["--docker"], ["--docker", "mine/openface:2.2"], ["--docker=mine/openface:2.2"]])
def test_docker_runs_the_image(videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str]) -> None:
    (tmp_path / "path").mkdir()
    docker = install(tmp_path / "path", "docker")
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=":")
    done = units(*videos("a"), *given, "-o", tmp_path / "out")
    if given == ["--docker"]:
        done = units(*videos("a"), "-o", tmp_path / "out", *given)
    assert done.exit_code == 0, done.output
    image = DOCKER_IMAGE if given == ["--docker"] else "mine/openface:2.2"
    assert image in json.loads(Path(f"{docker}.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert json.loads((tmp_path / "out" / "a.json").read_text())["image"] == image


def test_a_video_that_docker_has_taken_for_an_image_is_named(videos, tmp_path: Path) -> None:
    [video] = videos("a")
    done = units("--docker", video, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "was taken for the name of the image; write --docker last" in words(done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--backend openface --every 2", "--every: OpenFace's program does not take it"),
        ("--backend openface --device cpu", "--device: OpenFace's program does not take it"),
        ("--backend openface --weights a=b", "--weights: OpenFace's program does not take it"),
        ("--backend openface --commercial", "--commercial: OpenFace's program does not take it"),
        ("--backend openface --landmarks dlib", "--landmarks dlib: OpenFace has the models ce-clm, clnf"),
        ("--backend libreface --docker", "--docker: only --backend openface takes it"),
        ("--backend libreface --openface .", "--openface: only --backend openface takes it"),
        ("--backend libreface --time-limit 5", "--time-limit: only --backend openface takes it"),
        ("--backend libreface --extractor openface-au", "are two backends; give one"),
        ("--time-limit 0", "0"),
        ("--time-limit nan", "not a finite number"),
        ("--backend foo", "'foo'"),
        ("--backend openface -o x.csv", "--output must be a folder"),
    ],
)
def test_options_without_effect_are_refused(
    program: Path, videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, said: str
) -> None:
    [video] = videos("a")
    monkeypatch.chdir(tmp_path)
    output = [] if "-o" in arguments.split() else ["-o", tmp_path / "out"]
    done = units(video, *arguments.split(), *output, THM_OPENFACE=str(program))
    assert done.exit_code == 2, done.output
    assert said in words(done.stderr)
    assert names(tmp_path) == ["bin/FeatureExtraction", "in/a.mp4"]


@pytest.mark.parametrize("option", ["--backend dlib", "--openface .", "--docker", "--time-limit 5", "--static"])
def test_other_features_take_no_option_of_action_units(videos, tmp_path: Path, option: str) -> None:
    done = run("extract", "landmarks", *videos("a"), "-o", tmp_path / "a.npz", *option.split())
    assert done.exit_code == 2
    assert f"{option.split()[0]}: only action-units take it" in words(done.stderr)


def test_a_variable_for_openface_chooses_no_backend(program: Path, videos, tmp_path: Path) -> None:
    done = run(
        "extract", "landmarks", *videos("a"), "-o", tmp_path / "a.npz", "--extractor", "dlib", THM_OPENFACE=str(program)
    )
    assert done.exit_code == 0, done.output


# ---- extractors


@pytest.fixture(scope="module")
def libreface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("weights") / "repvgg.pt"
    torch.save({"model": dict(seeded_state("libreface_repvgg_a0"))}, path)
    yield path
    release()


def test_features_of_an_extractor_say_what_made_them(libreface: Path, videos, tmp_path: Path) -> None:
    given = videos("a", "b")
    shared = ["--backend", "libreface", "--landmarks", "dlib", "--weights", f"libreface={libreface}", "--device", "cpu"]
    done = units(*given, "-o", tmp_path / "out", *shared)
    assert done.exit_code == 0, done.output
    assert names(tmp_path / "out") == ["a.npz", "b.npz"]  # and no table, which would be read as OpenFace's
    assert f"{FRAMES} frames, 2 without a face" in done.stderr
    with np.load(tmp_path / "out" / "a.npz") as file:
        held = {name: file[name] for name in file.files}
    assert held["units"].tolist() == ["01", "02", "04", "05", "06", "09", "12", "15", "17", "20", "25", "26"]
    assert (held["extractor"], held["face_landmarks"]) == ("libreface", "dlib")
    assert held["checkpoints"].tolist()[0] == "libreface"
    rows = held["action_units"]
    assert rows.shape == (FRAMES, 12)
    assert np.isnan(rows).all(axis=1).tolist() == [False] * (FRAMES - 2) + [True] * 2
    assert (rows[:8] >= 0).all()
    assert (rows[:8] <= 5).all()


def test_one_video_goes_to_a_file_or_a_folder(libreface: Path, videos, tmp_path: Path) -> None:
    [video] = videos("a")
    shared = ["--extractor", "libreface", "--landmarks", "dlib", "--weights", f"libreface={libreface}", "--every", 4]
    for output, file in (("one.npz", "one.npz"), ("folder", "folder/a.npz"), ("one.npy", "one.npy")):
        done = units(video, "-o", tmp_path / output, *shared)
        assert done.exit_code == 0, done.output
        assert (tmp_path / file).is_file()
    with np.load(tmp_path / "one.npz") as held:
        np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), held["action_units"])
    assert units(video, "-o", tmp_path / "a.png", *shared).exit_code == 2


def test_libreface_has_no_static_models(libreface: Path, videos, tmp_path: Path) -> None:
    done = units(
        *videos("a"), "-o", tmp_path / "out", "--backend", "libreface", "--landmarks", "dlib", "--static",
        "--weights", f"libreface={libreface}",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "libreface has no static models" in words(done.stderr)


def test_rows_that_are_no_intensities_yet_become_them_over_the_whole_clip(
    videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more frames than one chunk holds: an extractor whose rows the clip's end turns into intensities."""
    from thm_torchmetrics.extractors import EXTRACTORS, Extractor

    class Late(Extractor):
        kind = "action_units"
        units = ("01",)

        @classmethod
        def required(cls, name):
            return ("late",)

        @classmethod
        def make(cls, name, files=None, **options):
            return cls()

        def extract(self, chunk):
            return torch.arange(chunk.start, chunk.start + len(chunk), dtype=torch.float64)[:, None]

        def intensities(self, outputs):
            return outputs - outputs.mean()

    monkeypatch.setitem(EXTRACTORS["action_units"], "late", Late)
    grey = np.full((32, 32, 3), 99, np.uint8)
    write_video(tmp_path / "long.mp4", [grey] * 80, 25)
    done = units(tmp_path / "long.mp4", "-o", tmp_path / "out", "--backend", "late")
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / "out" / "long.npz") as file:
        held = {name: file[name] for name in file.files}
    np.testing.assert_allclose(held["action_units"][:, 0], np.arange(80) - 39.5)
    assert held["units"].tolist() == ["01"]


def test_a_table_of_the_fake_is_what_it_says() -> None:
    """The stand-in's values have what the reader asks of finished tables: zeros, and nothing outside 0..5."""
    values = np.array([[intensity(i, u) for u in range(len(UNITS))] for i in range(FRAMES)])
    assert values.min() == 0
    assert values.max() <= 5
    assert (values == 0).mean() > 0.2


def test_the_first_extractor_is_the_default(videos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def make(kind, name, *args, **options):
        asked.append((kind, name))
        return make_extractor("landmarks", "dlib")

    monkeypatch.setattr("thm_torchmetrics.extractors.make_extractor", make)
    units(*videos("a"), "-o", tmp_path / "out")
    assert asked == [("action_units", "openface-au")]
