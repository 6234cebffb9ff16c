"""OpenFace's program, found, started and judged; `fake_openface` stands in for it in every way it can end."""

import hashlib
import json
import os
import shutil
import warnings
from itertools import pairwise
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from media.fake_openface import MODES, UNITS, install, intensity, wait_until
from PIL import Image

from thm_torchmetrics.errors import InputError, MediaError, MediaWarning
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.openface_program import (
    DOCKER_IMAGE,
    DockerOpenFace,
    InstalledOpenFace,
    find_docker,
    find_openface,
)
from thm_torchmetrics.media.openface_run import Tracked, track_action_units
from thm_torchmetrics.media.write import write_video

FRAMES = 12
EXPECTED = np.array([[intensity(i, u) for u in range(len(UNITS))] for i in range(FRAMES)])


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "talk.mp4"
    grey = [np.full((32, 32, 3), 20 * i, np.uint8) for i in range(FRAMES)]
    write_video(path, grey, 25)
    return path


@pytest.fixture
def program(tmp_path: Path) -> InstalledOpenFace:
    (tmp_path / "bin").mkdir()
    return find_openface(install(tmp_path / "bin"))


def track(program, footage: Path, tmp_path: Path, name: str, **options) -> Tracked:
    video = tmp_path / "in" / f"{name}.mp4"
    video.parent.mkdir(exist_ok=True)
    shutil.copy(footage, video)
    given = {"static": False, "landmarks": "ce-clm", "time_limit": 60.0} | options
    return track_action_units(program, video, tmp_path / "out" / f"{name}.csv", **given)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# ---- which tables are kept


@pytest.mark.parametrize("name", ["talk", "my clip.v2", "talk.csv", "-f", "commas", "100%", "ünï", "a:b", "$(x);'\""])
def test_a_finished_table_is_kept_with_the_record_of_its_making(program, footage, tmp_path, name) -> None:
    assert track(program, footage, tmp_path, name) == (FRAMES, 0)
    assert files(tmp_path / "out") == sorted([f"{name}.csv", f"{name}.json"])
    table = tmp_path / "out" / f"{name}.csv"
    np.testing.assert_allclose(read_action_units(table), EXPECTED, atol=1e-9)
    record = json.loads((tmp_path / "out" / f"{name}.json").read_text())
    assert record["program_sha256"] == hashlib.sha256(program.path.read_bytes()).hexdigest()
    assert record["video_sha256"] == hashlib.sha256(footage.read_bytes()).hexdigest()
    assert record["table_sha256"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert (record["exit_code"], record["models"], record["frames"]) == (0, "dynamic", FRAMES)
    assert record["landmark_model"] == "model/main_ceclm_general.txt"
    assert record["command"][0] == str(program.path)
    assert "-aus" in record["command"]
    assert "-au_static" not in record["command"]


REFUSED = {
    "missing": "wrote no table.*exit code 0.*Failed to open the video.*convert the video",
    "nomodel": "wrote no table.*exit code 1.*Could not load the landmark detector.*CE-CLM",
    "killed": "has 9 rows, and the video has 12 frames.*SIGKILL",
    "short": "has 2 rows, and the video has 12 frames.*convert it",
    "long": "has 15 rows, and the video has 12 frames",
    "high": r"an intensity is needed, 0\.\.5, got 5\.5",
    "nan": "leaves out frames or values",
    "onedecimal": "before its last pass, which writes presences with two decimals",
    "noaus": "lacks the columns AU01_r",
    "gap": "leaves out frames or values",
    "empty": "not accepted",
}


@pytest.mark.parametrize("mode", REFUSED)
def test_a_table_that_is_not_whole_is_refused_and_the_earlier_one_stays(program, footage, tmp_path, mode) -> None:
    (tmp_path / "out").mkdir()
    earlier = tmp_path / "out" / f"{mode}.csv"
    earlier.write_text("earlier")
    with pytest.raises(MediaError, match=f"(?s){mode}.mp4: .*{REFUSED[mode]}") as error:
        track(program, footage, tmp_path, mode)
    assert "thm-openface-" not in str(error.value)  # the folder of the run is gone, and says nothing
    assert files(tmp_path / "out") == [f"{mode}.csv"]
    assert earlier.read_text() == "earlier"


@pytest.mark.parametrize(("mode", "ending"), [("segv", "the signal SIGSEGV"), ("exits", "exit code 3")])
def test_a_bad_exit_after_a_whole_table_is_a_remark(program, footage, tmp_path, mode, ending) -> None:
    with pytest.warns(MediaWarning, match=f"{mode}.mp4: OpenFace ended with {ending}, but its table is whole"):
        assert track(program, footage, tmp_path, mode) == (FRAMES, 0)
    assert json.loads((tmp_path / "out" / f"{mode}.json").read_text())["exit_code"] == {"segv": -11, "exits": 3}[mode]


def test_frames_without_a_face_are_counted(program, footage, tmp_path) -> None:
    assert track(program, footage, tmp_path, "noface") == (FRAMES, FRAMES)
    assert not read_action_units(tmp_path / "out" / "noface.csv").any()


def test_every_mode_of_the_fake_is_tried() -> None:
    assert set(MODES) == {*REFUSED, "segv", "exits", "noface", "commas", "hang"}


def test_a_program_that_hangs_is_stopped_with_all_that_it_started(program, footage, tmp_path) -> None:
    with pytest.raises(MediaError, match=r"hang.mp4: OpenFace did not end within 1\.5 s.*--time-limit"):
        track(program, footage, tmp_path, "hang", time_limit=1.5)
    mine = str(tmp_path / "in" / "hang.mp4").encode()

    def gone() -> bool:
        lines = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(process.read_bytes())
            except OSError:
                continue
        return not any(mine in line for line in lines)

    assert wait_until(gone)
    assert files(tmp_path / "out") == []


def test_options_reach_the_program_and_the_record(program, footage, tmp_path) -> None:
    track(program, footage, tmp_path, "talk", static=True, landmarks="clnf")
    record = json.loads((tmp_path / "out" / "talk.json").read_text())
    assert record["command"][-3:] == ["-au_static", "-mloc", "model/main_clnf_general.txt"]
    assert (record["models"], record["landmark_model"]) == ("static", "model/main_clnf_general.txt")


def test_nothing_is_written_to_the_folder_of_the_user(program, footage, tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shutil.copy(footage, tmp_path / "here" / "talk.mp4")
    track_action_units(
        program, Path("talk.mp4"), Path("out/talk.csv"), static=False, landmarks="ce-clm", time_limit=60.0
    )
    assert files(tmp_path / "here") == ["out", "talk.mp4"]


def test_the_program_cannot_read_what_the_user_types(program, footage, tmp_path) -> None:
    """The fake fails if its standard input holds anything."""
    reading, writing = os.pipe()
    os.write(writing, b"typed")
    os.close(writing)
    own = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert track(program, footage, tmp_path, "talk").frames == FRAMES
    finally:
        os.dup2(own, 0)
        os.close(own)
        os.close(reading)


@pytest.mark.parametrize("what", ["absent.mp4", "text.mp4", "photo.png", "pictures"])
def test_what_is_no_video_is_refused_before_the_program_runs(tmp_path, what) -> None:
    (tmp_path / "pictures").mkdir()
    for picture in (tmp_path / "photo.png", tmp_path / "pictures" / "1.png"):
        Image.new("RGB", (8, 8)).save(picture)
    (tmp_path / "text.mp4").write_text("text")
    never = InstalledOpenFace(tmp_path / "never")
    with pytest.raises(MediaError, match=what):
        track_action_units(never, tmp_path / what, tmp_path / "a.csv", static=False, landmarks="ce-clm", time_limit=9.0)


def test_a_program_that_cannot_start_is_an_error_of_the_video(footage, tmp_path) -> None:
    broken = tmp_path / "FeatureExtraction"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    with pytest.raises(MediaError, match=r"talk.mp4: .*FeatureExtraction cannot be started: Exec format error"):
        track(find_openface(broken), footage, tmp_path, "talk")


# ---- how the program is found


def test_the_program_is_found_by_file_folder_and_path(tmp_path, monkeypatch) -> None:
    (tmp_path / "bin").mkdir()
    program = install(tmp_path / "bin")
    (tmp_path / "link").symlink_to(program)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (
        program,
        tmp_path / "bin",
        Path("bin/FeatureExtraction"),
        Path("bin"),
        Path("~/bin"),
        tmp_path / "link",
    ):
        assert find_openface(given).path == program.resolve()  # models lie beside the program itself, not beside a link
    for path in (str(tmp_path / "bin"), "bin"):
        monkeypatch.setenv("PATH", path)
        assert find_openface().path == program.resolve()
        assert find_openface(Path("FeatureExtraction")).path == program.resolve()


def test_a_program_that_is_not_there_is_named_with_all_ways_to_give_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for given in (None, tmp_path / "absent", tmp_path, Path("FeatureExtraction")):
        with pytest.raises(InputError, match=r"not found.*--openface PATH.*THM_OPENFACE.*PATH.*--docker"):
            find_openface(given)
    install(tmp_path).chmod(0o644)
    if not os.access(tmp_path / "FeatureExtraction", os.X_OK):
        with pytest.raises(InputError, match="cannot be run; chmod"):
            find_openface(tmp_path)


# ---- docker


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "path").mkdir()
    program = install(tmp_path / "path", "docker")
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=os.pathsep)
    return program


def calls(docker: Path) -> list[list[str]]:
    return [json.loads(line) for line in Path(f"{docker}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_docker_sees_the_folder_of_the_video_and_the_output_alone(docker, footage, tmp_path) -> None:
    program = find_docker()
    assert track(program, footage, tmp_path, "my clip") == (FRAMES, 0)
    np.testing.assert_allclose(read_action_units(tmp_path / "out" / "my clip.csv"), EXPECTED, atol=1e-9)
    [[run, *arguments]] = calls(docker)
    assert run == "run"
    assert arguments[:3] == ["--rm", "--network", "none"]
    at = arguments.index
    assert arguments[at("--user") + 1] == f"{os.getuid()}:{os.getgid()}"
    mounts = [value for name, value in pairwise(arguments) if name == "-v"]
    assert mounts[0] == f"{tmp_path.resolve() / 'in'}:/in:ro"
    assert mounts[1].endswith(":/out")
    assert len(mounts) == 2
    folder = "/home/openface-build/build/bin"
    assert arguments[at("-w") + 1] == folder
    assert arguments[at("--entrypoint") + 1 : at("-of")] == [
        f"{folder}/FeatureExtraction", DOCKER_IMAGE, "-f", "/in/my clip.mp4", "-out_dir", "/out"
    ]  # fmt: skip
    assert arguments[-1] == "-aus"
    record = json.loads((tmp_path / "out" / "my clip.json").read_text())
    assert record["image"] == DOCKER_IMAGE
    assert "program_sha256" not in record


def test_a_container_is_ended_with_its_time(docker, footage, tmp_path) -> None:
    with pytest.raises(MediaError, match="did not end within 6 s"):  # time to start, on a busy machine
        track(find_docker("mine:latest"), footage, tmp_path, "hang", time_limit=6.0)
    run, kill = calls(docker)
    assert kill == ["kill", run[run.index("--name") + 1]]


def test_a_linked_video_is_seen_in_the_container(docker, footage, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "talk.mp4").symlink_to(footage)
    table = tmp_path / "talk.csv"
    made = track_action_units(
        find_docker(), tmp_path / "in" / "talk.mp4", table, static=False, landmarks="ce-clm", time_limit=60.0
    )
    assert made.frames == FRAMES
    assert f"{footage.parent}:/in:ro" in calls(docker)[0]


def test_a_folder_that_docker_cannot_mount_is_named(footage, tmp_path) -> None:
    (tmp_path / "a:b").mkdir()
    video = Path(shutil.copy(footage, tmp_path / "a:b"))
    with pytest.raises(MediaError, match=r"docker cannot mount the folder .*a:b, because of the colon"):
        DockerOpenFace(Path("/docker")).launch(video, tmp_path, [])


@pytest.mark.parametrize("image", ["", "-v", "--privileged", "a b", "-v/:/x"])
def test_what_is_no_image_is_refused(docker, image) -> None:
    with pytest.raises(InputError, match="not the name of a docker image"):
        find_docker(image)


def test_docker_that_is_not_there_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"docker is not on PATH.*--openface"):
        find_docker()


def test_a_quiet_run_has_no_remark(program, footage, tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        track(program, footage, tmp_path, "talk")


# ---- Windows, which has neither groups of processes nor numbers of users


def test_a_program_that_hangs_is_stopped_without_groups_of_processes(program, footage, tmp_path, monkeypatch) -> None:
    monkeypatch.delattr(os, "killpg")
    with pytest.raises(MediaError, match=r"hang.mp4: OpenFace did not end within 1 s"):
        track(program, footage, tmp_path, "hang", time_limit=1.0)


def test_docker_is_started_without_numbers_of_users(monkeypatch) -> None:
    monkeypatch.delattr(os, "getuid")
    assert "--user" not in DockerOpenFace(Path("/docker")).launch(Path("/in/talk.mp4"), Path("/out"), []).command


def test_a_drive_has_a_colon_that_docker_takes(monkeypatch) -> None:
    video = PureWindowsPath(r"C:\clips\talk.mp4")
    monkeypatch.setattr(PureWindowsPath, "resolve", lambda path: path, raising=False)
    command = DockerOpenFace(Path("/docker")).launch(video, PureWindowsPath(r"D:\out"), []).command
    assert [value for name, value in pairwise(command) if name == "-v"] == [r"C:\clips:/in:ro", r"D:\out:/out"]
    with pytest.raises(MediaError, match="because of the colon"):
        DockerOpenFace(Path("/docker")).launch(PureWindowsPath(r"C:\a:b\talk.mp4"), PureWindowsPath(r"D:\out"), [])
