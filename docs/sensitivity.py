"""Measure what moves which metric: real frames are disturbed more and more, and every metric that runs here is asked.

    python docs/sensitivity.py                    # the sample; writes docs/sensitivity.csv
    python docs/sensitivity.py DATA -o FILE.csv   # a folder with gt_video and gt_audio
    python docs/sensitivity.py --metrics psnr,ssim -o FILE.csv

The prediction is the real clip itself, disturbed. Level 0 is the undisturbed clip. `reacts_to` and `draw` turn the file
into the table and the figures of the docs.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import ROWS, Row, find_choice
from thm_torchmetrics.errors import InputError

TABLE = Path(__file__).parent / "sensitivity.csv"

SEEDED = {"fid": {"inception-fid": "inception_fid"}}
"""Metrics whose network has made-up weights, because none can be shipped: checkpoint, and recipe in tests/parity."""


def blurred(frames: Tensor, sigma: float) -> Tensor:
    """Blur every frame by a Gaussian."""
    from torchvision.transforms.functional import gaussian_blur

    return gaussian_blur(frames, 2 * int(3 * sigma) + 1, sigma)


def noisy(frames: Tensor, sigma: float) -> Tensor:
    """Add Gaussian noise of a standard deviation in levels."""
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0)) * sigma
    return (frames + noise).round().clamp(0, 255).to(torch.uint8)


def compressed(frames: Tensor, quality: float) -> Tensor:
    """Encode and decode every frame as JPEG."""
    from torchvision.io import decode_jpeg, encode_jpeg

    return torch.stack([decode_jpeg(encode_jpeg(frame, int(quality))) for frame in frames])


def moved(frames: Tensor, pixels: float) -> Tensor:
    """Move the picture to the right; its left edge is repeated."""
    n = int(pixels)
    return torch.cat([frames[..., :1].expand(*frames.shape[:-1], n), frames[..., :-n]], dim=-1)


def late(frames: Tensor, count: float) -> Tensor:
    """Show every frame later; the first is repeated."""
    n = int(count)
    return torch.cat([frames[:1].expand(n, *frames.shape[1:]), frames[:-n]])


def frozen(frames: Tensor, percent: float) -> Tensor:
    """Hold one frame for the last part of the clip."""
    start = round(len(frames) * (1 - percent / 100))
    held = frames.clone()
    held[start:] = frames[max(start - 1, 0)]
    return held


def reddened(frames: Tensor, percent: float) -> Tensor:
    """Make red stronger."""
    gain = torch.tensor([1 + percent / 100, 1.0, 1.0]).view(3, 1, 1)
    return (frames * gain).round().clamp(0, 255).to(torch.uint8)


def coarse(frames: Tensor, factor: float) -> Tensor:
    """Make the picture smaller and large again."""
    from torchvision.transforms.functional import resize

    size = list(frames.shape[-2:])
    return resize(resize(frames, [round(side / factor) for side in size], antialias=True), size, antialias=True)


def widened(frames: Tensor, percent: float) -> Tensor:
    """Make the head wider about the middle of the picture, so that it is another person's."""
    from torchvision.transforms.functional import center_crop, resize

    height, width = frames.shape[-2:]
    wide = resize(frames, [height, round(width * (1 + percent / 100))], antialias=True)
    return center_crop(wide, [height, width])


DISTURBANCES: Mapping[str, tuple[Callable[[Tensor, float], Tensor] | None, tuple[float, ...], str]] = {
    "blur": (blurred, (0.5, 1, 2, 4, 8), "standard deviation, px"),
    "noise": (noisy, (2, 5, 10, 20, 40), "standard deviation, levels"),
    "JPEG": (compressed, (90, 70, 50, 30, 10), "quality"),
    "resolution": (coarse, (1.5, 2, 3, 4, 8), "times fewer pixels a side"),
    "color": (reddened, (2, 5, 10, 20, 40), "% more red"),
    "shift": (moved, (1, 2, 4, 8, 16), "px to the right"),
    "lateness": (late, (1, 2, 3, 5, 8), "frames"),
    "frozen face": (frozen, (10, 25, 50, 75, 100), "% of the clip"),
    "wider head": (widened, (2, 5, 10, 15, 25), "% wider"),
    "sound delay": (None, (1, 2, 3, 5, 8), "frames"),
    "wrong identity": (None, (), "the frames of another person's clip"),
}
"""What is done to the frames, with the strengths of the five levels and their unit."""


def measurable(row: Row) -> str | None:
    """Return the network with which a metric runs here, empty for none; None if it does not run on frames alone."""
    if not row.inputs or not set(row.inputs) <= {"preds", "target", "audio"} or row.features_by_default:
        return None
    if row.key in SEEDED or not row.extractors:
        return row.extractors[0] if row.extractors else ""
    free = [name for name in row.extractors if name == "dlib" or not weights.needed_by(row.extractor_kind, name)]
    return free[0] if free else None


def make(keys: Iterable[str], folder: Path) -> dict[str, Any]:
    """Make the metrics that run here, each alone."""
    from thm_torchmetrics.collection import make_metric, metric_class, option_names

    made = {}
    for key in keys:
        row = find_choice(key).row
        network = measurable(row)
        if network is None:
            continue
        options: dict[str, Any] = {"extractor": network} if network else {}
        if key in SEEDED:
            options["weights"] = seeded(key, folder)
        if "landmarks" in option_names(metric_class(row)):
            options["landmarks"] = "dlib"
        for protocol in row.protocols:  # the first that runs on frames, with a network that is here
            with suppress(InputError):
                made[row.key] = make_metric(f"{row.key}:{protocol}", {**options, "align": "truncate"})
                break
    return made


def seeded(key: str, folder: Path) -> dict[str, Path]:
    """Write checkpoints with made-up weights, as the tests do, and return them by name."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from parity.seeded import seeded_state

    files = {}
    for name, recipe in SEEDED[key].items():
        files[name] = folder / f"{name}.pth"
        torch.save(dict(seeded_state(recipe)), files[name])
    return files


def clips_of(data: Path, frames: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Read the real clips of a folder: their first frames, and their sound at 16 kHz, by name."""
    from thm_torchmetrics import open_clip

    found = {}
    for path in sorted((data / "gt_video").glob("*.mp4")):
        clip = open_clip(path, audio=data / "gt_audio" / f"{path.stem}.wav")
        shown = torch.cat([chunk.as_uint8() for chunk in clip.chunks()])[:frames]
        found[path.stem] = (shown, torch.as_tensor(clip.audio))
    return found


def pairs(
    clips: Mapping[str, tuple[Tensor, Tensor]], name: str, strength: float
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the disturbed frames of every clip, its real frames, and the sound."""
    change = DISTURBANCES[name][0] if name else None
    others = [*list(clips.values())[1:], *list(clips.values())[:1]]
    for (frames, sound), (other, _) in zip(clips.values(), others, strict=True):
        if name == "wrong identity":
            yield other, frames, sound
        elif name == "sound delay":
            yield frames, frames, torch.nn.functional.pad(sound, (round(strength * 640), 0))
        else:
            yield frames if change is None else change(frames, strength), frames, sound


def measure(
    metrics: Mapping[str, Any], clips: Mapping[str, tuple[Tensor, Tensor]], name: str, strength: float
) -> Iterator[tuple[str, float]]:
    """Yield the value of every metric for one disturbance."""
    from thm_torchmetrics import TalkingHeadMetrics
    from thm_torchmetrics.core.clip import Clip

    together = TalkingHeadMetrics(dict(metrics))
    together.reset()
    for preds, target, sound in pairs(clips, name, strength):
        together.add_clip(
            list(metrics), Clip(preds, fps=25, audio=sound), Clip(target, fps=25, audio=sound), failures={}
        )
    for key, metric in together.members().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a value that cannot be had is NaN, and an empty cell of the file
            yield key, float(metric.compute())


def study(data: Path, keys: Iterable[str], frames: int) -> Iterator[dict[str, Any]]:
    """Yield a row for every metric, disturbance and level."""
    with tempfile.TemporaryDirectory() as folder:
        metrics = make(keys, Path(folder))
        clips = clips_of(data, frames)
        whole = dict(measure(metrics, clips, "", 0))
        absent = [key for key, value in whole.items() if value != value]
        if absent:
            print(f"no value on {frames} frames of these clips: {', '.join(absent)}", file=sys.stderr)
        metrics = {key: metric for key, metric in metrics.items() if key not in absent}
        for name, (_, strengths, _) in DISTURBANCES.items():
            if name == "wrong identity" and (len(clips) < 2 or is_sample(data)):
                continue
            rows = [(0, 0.0, whole)]
            levels = strengths or (1.0,)
            rows += [(i, level, dict(measure(metrics, clips, name, level))) for i, level in enumerate(levels, 1)]
            for key, metric in metrics.items():
                for level, strength, values in rows:
                    yield {
                        "metric": key,
                        "extractor": "" if metric.extractor is None else str(metric.extractor),
                        "weights": "seeded" if key in SEEDED else "",
                        "disturbance": name,
                        "level": level,
                        "strength": f"{strength:g}",
                        "value": "" if values[key] != values[key] else f"{values[key]:.6g}",
                    }


def is_sample(data: Path) -> bool:
    """Return whether a folder is the sample, whose clips all show one person."""
    return all(path.stem.startswith("portrait_") for path in (data / "gt_video").glob("*.mp4"))


MARKS = ((0.5, "●"), (0.1, "◐"), (0.01, "○"), (0.0, "·"))
"""How far a disturbance moves a value at the third of five levels, as a share of the farthest that any moves it."""


def reacts_to(rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the lines of the table of what moves which metric."""
    names = list(dict.fromkeys(row["disturbance"] for row in rows))
    yield f"| metric | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for key in dict.fromkeys(row["metric"] for row in rows):
        mine = [row for row in rows if row["metric"] == key and row["value"]]
        start = {row["disturbance"]: float(row["value"]) for row in mine if row["level"] == "0"}
        moves = {
            (row["disturbance"], int(row["level"])): abs(float(row["value"]) - start[row["disturbance"]])
            for row in mine
            if row["disturbance"] in start and row["value"] not in ("inf", "-inf")
        }
        farthest = max(moves.values(), default=0.0)
        cells = [mark(moves.get((name, 3), moves.get((name, 1))), farthest) for name in names]
        made_up = " (made-up weights)" if any(row["weights"] for row in mine) else ""
        yield f"| [`{key}`](_generated/metrics/{key}.md){made_up} | {' | '.join(cells)} |"


def mark(move: float | None, farthest: float) -> str:
    """Return the mark for how far a value moves; empty if it could not be measured."""
    if move is None or not farthest:
        return ""
    return next(sign for share, sign in MARKS if move >= share * farthest)


def draw(key: str, rows: list[dict[str, str]], path: Path) -> None:
    """Draw the value of a metric against the level of each disturbance."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = key
    from matplotlib import pyplot as plt

    row = find_choice(key).row
    names = [name for name in DISTURBANCES if any(each["disturbance"] == name for each in rows)]
    figure, panels = plt.subplots(2, -(-len(names) // 2), figsize=(9, 3.6), sharey=True, layout="constrained")
    for panel in panels.flat[len(names) :]:
        panel.axis("off")
    for name, panel in zip(names, panels.flat, strict=False):
        mine = [each for each in rows if each["disturbance"] == name and each["value"] not in ("", "inf")]
        panel.plot([int(each["level"]) for each in mine], [float(each["value"]) for each in mine], "o-", ms=3, lw=1.5)
        strengths = [f"{strength:g}" for strength in DISTURBANCES[name][1]]
        panel.set_xticks([0, *range(1, len(strengths) + 1)], ["0", *strengths], fontsize=7)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel(DISTURBANCES[name][2], fontsize=7)
        panel.tick_params(axis="y", labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", lw=0.4, alpha=0.6)
    figure.supylabel(f"{key} {row.arrow} {row.unit}".strip(), fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="a folder with gt_video and gt_audio; default: the sample")
    parser.add_argument("--metrics", help="keys, separated by commas; default: all that run without a download")
    parser.add_argument("--frames", type=int, default=12, help="frames of every clip")
    parser.add_argument("-o", "--output", type=Path, default=TABLE, metavar="FILE.csv")
    given = parser.parse_args()
    keys = given.metrics.split(",") if given.metrics else [row.key for row in ROWS]
    with tempfile.TemporaryDirectory() as folder:
        if given.data is None:
            from thm_torchmetrics.demo.sample import make_sample

            given.data = make_sample(folder, clips=2, seconds=given.frames / 25)
        rows = list(study(given.data, keys, given.frames))
    with given.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
