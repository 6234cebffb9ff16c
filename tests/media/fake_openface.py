"""A stand-in for OpenFace's FeatureExtraction: its arguments, its files, its ways to fail.

`install` writes it as a program. The stem of the video, up to the first blank, chooses what it does; see `MODES`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
PRESENCES = (*UNITS[:-1], "28", "45")
MODES = (
    "missing", "nomodel", "segv", "killed", "short", "long", "noface", "hang", "commas", "high", "nan", "onedecimal",
    "noaus", "gap", "exits", "empty",
)  # fmt: skip


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def intensity(frame: int, unit: int) -> float:
    """The intensity that the fake gives a unit in a frame, both from 0."""
    return max(0.0, (7 * frame + 13 * unit) % 50 / 10 - 2)


def write_table(path: Path, frames: int, mode: str, all_columns: bool) -> None:
    blank = "" if mode == "commas" else " "
    header = ["frame", "face_id", "timestamp", "confidence", "success"]
    header += [] if mode == "noaus" else [f"AU{unit}_r" for unit in UNITS] + [f"AU{unit}_c" for unit in PRESENCES]
    header += [f"x_{i}" for i in range(674)] if all_columns else []
    lines = [f",{blank}".join(header)]
    for i in range(frames):
        seen = mode != "noface"
        values = [intensity(i, unit) * seen for unit in range(len(UNITS))]
        if mode == "killed":
            values = [value - 1.25 for value in values]
        if mode == "high":
            values[3] = 5.5
        texts = [f"{value:.2f}" for value in values]
        if mode == "nan" and i == 1:
            texts[0] = "-nan"
        presences = [f"{value > 1:d}.{'0' if mode in ('killed', 'onedecimal') else '00'}" for value in [*values, 0]]
        number = i + 1 + (mode == "gap" and i > 1)
        row = [str(number), "0", f"{i / 25:.3f}", "0.98" if seen else "0.00", f"{seen:d}"]
        row += [] if mode == "noaus" else texts + presences
        row += ["0.0"] * 674 if all_columns else []
        lines.append(f",{blank}".join(row))
    path.write_text("".join(f"{line}\n" for line in ([] if mode == "empty" else lines)), encoding="utf-8")


def main(argv: list[str]) -> int:
    import av

    if not os.path.isabs(argv[0]):  # noqa: PTH117  (as the program itself looks for its models)
        say("ERROR: Could not load the landmark detector")
        return 1
    assert sys.stdin.read() == ""
    given = {name: value for name, value in pairwise(argv) if name.startswith("-")}
    video = Path(given["-f"])
    mode = video.stem.split(" ")[0]
    folder, name = Path(given.get("-out_dir", "processed")), given.get("-of", video.stem).removesuffix(".csv")
    models = "static" if "-au_static" in argv else "dynamic"
    say(f"Reading the landmark detector/tracker from: {given.get('-mloc', 'model/main_ceclm_general.txt')}")
    say(f"Reading the AU analysis module from: AU_predictors/main_{models}_svms.txt")
    if mode == "nomodel":
        say("ERROR: Could not load the landmark detector")
        return 1
    say(f"Attempting to read from file: {video}")
    if mode == "missing":
        say(f"Failed to open the video file at location: {video}")
        return 0
    if mode == "hang":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)", str(video)], check=False)
    with av.open(video) as container:
        frames = sum(1 for _ in container.decode(video=0))
    rows = {"short": 2, "long": frames + 3, "killed": max(frames - 3, 2)}.get(mode, frames)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_of_details.txt").write_text("Input:" + str(video))
    write_table(folder / f"{name}.csv", rows, mode, "-aus" not in argv)
    say("0% 10% 20% 30% 40% 50% 60% 70% 80% 90% 100% ")
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    say("Closing output recorder\nPostprocessing the Action Unit predictions")
    if mode == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    return 3 if mode == "exits" else 0


def docker(argv: list[str]) -> int:
    """Record the arguments beside the program, and run the fake as the container would see its files."""
    with Path(f"{argv[0]}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(argv[1:]) + "\n")
    if argv[1] != "run":
        return 0
    mounts = [value.removesuffix(":ro").rsplit(":", 1) for key, value in pairwise(argv) if key == "-v"]
    inner = argv[argv.index("--entrypoint") + 3 :]  # after the program and the image
    for outside, inside in mounts:
        inner = [part.replace(inside, outside, 1) if part.startswith(inside) else part for part in inner]
    return main(["/container/FeatureExtraction", *inner])


def install(folder: Path, name: str = "FeatureExtraction") -> Path:
    """Write the program FeatureExtraction, or a docker, to a folder."""
    program = folder / name
    entry = "docker" if name == "docker" else "main"
    body = Path(__file__).read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable}\n{body}\n\nsys.exit({entry}(sys.argv))\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def wait_until(done, seconds: float = 10.0) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(done())
