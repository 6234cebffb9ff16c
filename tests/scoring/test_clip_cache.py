"""The cache of clips: nothing is measured twice, and nothing is taken for something else."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import torch

from thm_torchmetrics import IdentitySimilarity, PeakSignalNoiseRatio, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.errors import InputError, MediaWarning
from thm_torchmetrics.extractors import Extractor, register_extractor
from thm_torchmetrics.media.pairing import Item, pair
from thm_torchmetrics.metrics.image_quality import BlurDetectionProbability
from thm_torchmetrics.scoring import cache_keys
from thm_torchmetrics.scoring.cache_folder import CacheFolder, prune
from thm_torchmetrics.scoring.clip_files import ActionUnitOptions
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.run import DatasetRun
from thm_torchmetrics.scoring.score import score

KEYS = ["psnr", "cpbd", "aue-u", "aue"]
LIGHT = ["psnr", "aue-u", "aue"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.2, size=64)


def items_of(folder: Path) -> list[Item]:
    kinds = {"preds": "pred_video", "target": "gt_video", "preds_au": "pred_au_csv", "target_au": "gt_au_csv"}
    return pair(**{kind: folder / name for kind, name in kinds.items()})


def run_of(metrics: Any, cache: Path | None, notes: list[str] | None = None, **options: Any) -> DatasetRun:
    folder = None if cache is None else CacheFolder(cache, [].append if notes is None else notes.append)
    return DatasetRun(TalkingHeadMetrics(metrics), cache=folder, **options)


def plain(result: Result) -> dict[str, Any]:
    """The JSON, without what differs from run to run."""
    text = result.to_json()
    for name in ("created", "cache", "duration_s", "inputs"):
        text["provenance"].pop(name, None)
    return text


def counts(run: DatasetRun, kind: str = "clips") -> tuple[int, int, int]:
    assert run.cache is not None
    return tuple(run.cache.counts[kind, what] for what in ("found", "made", "damaged"))  # type: ignore[return-value]


def test_a_cached_run_is_equal_and_opens_no_video(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run_of(KEYS, None, with_target=True).score(items_of(sample), {})
    first = run_of(KEYS, tmp_path / "c", with_target=True)
    assert plain(first.score(items_of(sample), {})) == plain(expected)
    assert counts(first) == (0, 10, 0)  # two clips, and cpbd of the real videos
    monkeypatch.setattr("thm_torchmetrics.scoring.clip_files.open_video", None)
    second = run_of(KEYS, tmp_path / "c", with_target=True)
    result = second.score(items_of(sample), {})
    assert plain(result) == plain(expected)
    assert counts(second) == (10, 0, 0)
    assert result.provenance["cache"] == {"folder": str(tmp_path / "c"), "clips": {"found": 10, "made": 0}}


def test_a_further_metric_is_measured_alone(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_of(["psnr"], tmp_path).score(items_of(sample), {})
    measured: list[str] = []
    measure = TalkingHeadMetrics.measure_clip

    def spy(self: TalkingHeadMetrics, names: list[str], *args: Any, **kwargs: Any) -> Any:
        measured.extend(names)
        return measure(self, names, *args, **kwargs)

    monkeypatch.setattr(TalkingHeadMetrics, "measure_clip", spy)
    both = run_of(["psnr", "ssim"], tmp_path).score(items_of(sample), {})
    assert measured == ["ssim", "ssim"]
    assert plain(both) == plain(run_of(["psnr", "ssim"], None).score(items_of(sample), {}))


def test_a_renamed_folder_is_known_by_its_content(sample: Path, tmp_path: Path) -> None:
    run_of(KEYS, tmp_path / "c").score(items_of(sample), {})
    shutil.copytree(sample, tmp_path / "moved")
    again = run_of(KEYS, tmp_path / "c")
    again.score(items_of(tmp_path / "moved"), {})
    assert counts(again) == (8, 0, 0)


def test_remarks_come_with_the_entries_and_name_the_files_of_this_run(sample: Path, tmp_path: Path) -> None:
    """A lip-sync metric's own remark is not that of others; a file's is, under the name that it has now."""
    damaged = tmp_path / "a"
    shutil.copytree(sample, damaged)
    video = next(iter((damaged / "pred_video").iterdir()))
    data = video.read_bytes()
    video.write_bytes(data[: len(data) - 40])  # part of the index of the sound, say
    metrics = ["psnr", "cpbd"]
    expected = run_of(metrics, None).score(items_of(damaged), {})
    run_of(metrics, tmp_path / "c").score(items_of(damaged), {})
    assert plain(run_of(metrics, tmp_path / "c").score(items_of(damaged), {})) == plain(expected)
    damaged.rename(tmp_path / "b")
    moved = run_of(metrics, tmp_path / "c").score(items_of(tmp_path / "b"), {})
    assert plain(moved) == plain(run_of(metrics, None).score(items_of(tmp_path / "b"), {}))


class Remarking(PeakSignalNoiseRatio):
    """Says something of every clip when it starts."""

    def start(self, *args: Any, **inputs: Any) -> Any:
        import warnings

        warnings.warn("of this metric", MediaWarning, stacklevel=1)
        return super().start(*args, **inputs)


def test_a_remark_of_one_metric_is_not_one_of_another(sample: Path, tmp_path: Path) -> None:
    item = items_of(sample)[0]
    both = {"a": Remarking(), "b": PeakSignalNoiseRatio(protocol="global-mse")}
    assert run_of(both, tmp_path).score([item], {}).clips[0].notes == ["of this metric"]
    alone = run_of({"b": both["b"]}, tmp_path)
    assert alone.score([item], {}).clips[0].notes == []
    assert counts(alone) == (1, 0, 0)
    assert run_of({"a": both["a"]}, tmp_path).score([item], {}).clips[0].notes == ["of this metric"]


def with_version(cache: Path, patch: pytest.MonkeyPatch, name: str) -> DatasetRun:
    patch.setattr(cache_keys, name, 99)
    return run_of(KEYS, cache)


CHANGES: dict[str, Callable[[Path, Path, pytest.MonkeyPatch], DatasetRun]] = {
    "every": lambda _, cache, __: run_of(KEYS, cache, every=2),
    "same_rate": lambda _, cache, __: run_of(KEYS, cache, same_rate=True),
    "protocol": lambda _, cache, __: run_of(
        {
            "psnr": PeakSignalNoiseRatio(protocol="global-mse"),
            "cpbd": BlurDetectionProbability(missing="error"),
            **TalkingHeadMetrics(["aue-u", "aue"], average="clip").members(),
        },
        cache,
    ),
    "numerics of all": lambda _, cache, patch: with_version(cache, patch, "NUMERICS"),
    "decoding": lambda _, cache, patch: with_version(cache, patch, "DECODING"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_a_number_is_part_of_the_key(
    sample: Path, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(KEYS, tmp_path).score(items_of(sample), {})
    changed = CHANGES[change](sample, tmp_path, monkeypatch)
    result = changed.score(items_of(sample), {})
    assert counts(changed)[0] == 0
    changed.cache = changed._cache = None
    assert plain(result) == plain(changed.score(items_of(sample), {}))


def test_the_reading_of_tables_concerns_tables_alone(sample: Path, tmp_path: Path) -> None:
    run_of(KEYS, tmp_path).score(items_of(sample), {})
    other = run_of(KEYS, tmp_path, action_units=ActionUnitOptions(min_confidence=0.1))
    other.score(items_of(sample), {})
    assert counts(other) == (4, 4, 0)


def test_other_content_under_one_name_is_measured(sample: Path, tmp_path: Path) -> None:
    """Also where size and time of modification are equal."""
    folder = tmp_path / "a"
    shutil.copytree(sample, folder)
    first, second = sorted((folder / "pred_video").iterdir())
    run_of(["psnr"], tmp_path / "c").score(items_of(folder), {})
    data, facts = first.read_bytes(), first.stat()
    other = second.read_bytes()
    first.write_bytes(other[: len(data)].ljust(len(data), b"\0"))
    os.utime(first, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    again = run_of(["psnr"], tmp_path / "c")
    again.score(items_of(folder), {})
    assert counts(again)[0] == 1


def test_a_file_that_changes_while_it_is_measured_is_not_stored(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a"
    shutil.copytree(sample, folder)
    first = sorted((folder / "pred_video").iterdir())[0]
    measure = TalkingHeadMetrics.measure_clip

    def slow(self: TalkingHeadMetrics, *args: Any, **kwargs: Any) -> Any:
        first.write_bytes(first.read_bytes() + b"\0")
        return measure(self, *args, **kwargs)

    monkeypatch.setattr(TalkingHeadMetrics, "measure_clip", slow)
    run = run_of(["psnr"], tmp_path / "c")
    run.score(items_of(folder)[:1], {})
    assert counts(run) == (0, 0, 0)


def test_failures_are_not_kept(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    shutil.copytree(sample, folder)
    first = sorted((folder / "pred_video").iterdir())[0]
    good = first.read_bytes()
    first.write_bytes(good[:500])
    run = run_of(["psnr"], tmp_path / "c")
    assert len(run.score(items_of(folder), {}).failed) == 1
    assert counts(run) == (0, 1, 0)
    first.write_bytes(good)
    again = run_of(["psnr"], tmp_path / "c")
    assert not again.score(items_of(folder), {}).failed
    assert counts(again) == (1, 1, 0)


# ---- features


@dataclass(frozen=True)
class MeanColor(Extractor):
    """The mean color of every frame, and a count of the frames that were seen."""

    kind: ClassVar[str] = "identity"
    seen: ClassVar[list[int]] = []

    @classmethod
    def make(cls, name: str, files: Any = None, **options: Any) -> Self:
        return cls()

    def extract(self, chunk: Chunk) -> torch.Tensor:
        self.seen.append(len(chunk))
        return chunk.as_float().mean(dim=(2, 3)) - 0.3


def test_the_network_of_the_real_videos_runs_once_for_all_models(sample: Path, tmp_path: Path) -> None:
    register_extractor("mean-color", MeanColor)
    metrics = {"csim": IdentitySimilarity(extractor="mean-color", reference="target-frame")}
    model = [replace(item, preds=item.target) for item in items_of(sample)]
    expected = plain(run_of(metrics, None).score(model, {}))
    MeanColor.seen.clear()
    first = run_of(metrics, tmp_path)
    first.score(items_of(sample), {})
    frames = sum(MeanColor.seen)
    assert counts(first, "features") == (0, 4, 0)
    MeanColor.seen.clear()
    swapped = [replace(item, preds=item.target, target=item.preds) for item in items_of(sample)]
    run_of(metrics, tmp_path).score(swapped, {})
    assert sum(MeanColor.seen) == 0  # both sides are known by their content
    other = tmp_path / "other"
    shutil.copytree(sample / "pred_video", other)
    for video in other.iterdir():
        video.write_bytes(video.read_bytes() + b"\0\0\0\x08free")
    second = [replace(item, preds=other / f"{item.key}.mp4") for item in items_of(sample)]
    run_of(metrics, tmp_path).score(second, {})
    assert sum(MeanColor.seen) == frames // 2
    assert plain(run_of(metrics, tmp_path).score(model, {})) == expected


# ---- attacks


def truncated(file: Path, generator: np.random.Generator) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: generator.integers(len(data))])


def flipped(file: Path, generator: np.random.Generator) -> None:
    data = bytearray(file.read_bytes())
    data[generator.integers(len(data))] ^= 1 << int(generator.integers(8))
    file.write_bytes(data)


def foreign(file: Path, generator: np.random.Generator) -> None:
    file.write_bytes(generator.bytes(int(generator.integers(200))))


def in_the_way(file: Path, generator: np.random.Generator) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("attack", [truncated, flipped, foreign, in_the_way])
def test_a_damaged_entry_is_noticed_and_made_again(
    sample: Path, tmp_path: Path, attack: Callable[[Path, np.random.Generator], None]
) -> None:
    expected = plain(run_of(LIGHT, tmp_path).score(items_of(sample), {}))
    files = sorted(tmp_path.glob("clips/*/*"))
    for seed in range(6):
        for file in files:
            attack(file, np.random.default_rng(seed))
        notes: list[str] = []
        run = run_of(LIGHT, tmp_path, notes)
        assert plain(run.score(items_of(sample), {})) == expected
        assert counts(run) == (0, 6, 6)
        assert len([note for note in notes if "made again" in note]) == 1
        if attack is in_the_way:
            return
        run = run_of(LIGHT, tmp_path)
        run.score(items_of(sample), {})
        assert counts(run) == (6, 0, 0)


def test_entries_of_a_version_with_other_fields_are_made_again(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "thm_torchmetrics.scoring.clip_cache.plain_measurement", lambda measurement: {"value": 1.0, "novel": 2}
        )
        run_of(LIGHT, tmp_path / "c").score(items_of(sample), {})
    notes: list[str] = []
    run = run_of(LIGHT, tmp_path / "c", notes)
    assert plain(run.score(items_of(sample), {})) == plain(run_of(LIGHT, None).score(items_of(sample), {}))
    assert counts(run) == (0, 6, 6)
    assert "cannot be used and is made again" in notes[0]


def test_swapped_entries_are_noticed(sample: Path, tmp_path: Path) -> None:
    expected = plain(run_of(LIGHT, tmp_path).score(items_of(sample), {}))
    files = sorted(tmp_path.glob("clips/*/*"))
    contents = [file.read_bytes() for file in files]
    for file, data in zip(files, contents[1:] + contents[:1], strict=True):
        file.write_bytes(data)
    run = run_of(LIGHT, tmp_path)
    assert plain(run.score(items_of(sample), {})) == expected
    assert counts(run) == (0, 6, 6)


def test_an_earlier_value_under_a_new_key_is_not_taken(sample: Path, tmp_path: Path) -> None:
    """The key in a file counts, not its name."""
    run_of(["psnr"], tmp_path / "one").score(items_of(sample), {})
    run_of(["psnr"], tmp_path / "two", every=2).score(items_of(sample), {})
    ours, theirs = (sorted((tmp_path / name).glob("clips/*/*")) for name in ("one", "two"))
    for file, other in zip(ours, theirs, strict=True):
        shutil.copy(other, file)
    run = run_of(["psnr"], tmp_path / "one")
    run.score(items_of(sample), {})
    assert counts(run) == (0, 2, 2)


# ---- killed


KILLED = """
import sys
from thm_torchmetrics.cli import main
from thm_torchmetrics.scoring.run import DatasetRun
measure = DatasetRun.measure
def told(self, item):
    print(item.key, flush=True)
    return measure(self, item)
DatasetRun.measure = told
main(sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("clips", "seconds"), [(0, 0.0), (2, 0.01), (4, 0.04)])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, clips: int, seconds: float) -> None:
    folder = make_sample(tmp_path / "sample", clips=5, seconds=0.4, size=96)
    options: dict[str, Any] = {"metrics": ["psnr", "ssim", "cpbd"]}
    line = ["score", folder, "--metrics", "psnr,ssim,cpbd", "--cache", tmp_path / "c"]
    with subprocess.Popen([sys.executable, "-c", KILLED, *map(str, line)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(clips + 1):
            process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    resumed = score(folder, cache=tmp_path / "c", **options)
    assert plain(resumed) == plain(score(folder, **options))
    assert resumed.provenance["cache"]["clips"]["found"] >= 3 * clips


def test_no_file_stays_open(sample: Path, tmp_path: Path) -> None:
    """Neither of a video nor of the cache, whether clips are measured or found."""
    run_of(LIGHT, tmp_path).score(items_of(sample), {})
    before = len(list(Path("/proc/self/fd").iterdir()))
    for cache in (tmp_path / "new", tmp_path / "new", None):
        run_of(LIGHT, cache).score(items_of(sample), {})
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_full_disk_ends_the_writing_and_not_the_run(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is still found."""
    expected = plain(run_of(["psnr"], tmp_path).score(items_of(sample), {}))

    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("thm_torchmetrics.scoring.cache_folder.whole_file", full)
    notes: list[str] = []
    run = run_of(LIGHT, tmp_path, notes)
    result = run.score(items_of(sample), {})
    assert result.metrics["psnr"].value == expected["metrics"]["psnr"]["value"]
    assert counts(run) == (2, 4, 0)
    assert [note for note in notes if "no more written: No space left" in note] == notes
    assert result.provenance["cache"]["written"] is False


def test_two_writers_leave_whole_entries(tmp_path: Path) -> None:
    """Readers find, at any moment, an entry of one of them."""
    key = {"clip": "a"}
    damaged: list[str] = []

    def write(number: int) -> None:
        folder = CacheFolder(tmp_path, damaged.append)
        for _ in range(20):
            folder.write("clips", key, number, {"sums": torch.full((2000,), float(number))})
            entry = folder.read("clips", key)
            assert entry is not None
            assert (entry.arrays["sums"] == entry.value).all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert damaged == []


def test_a_folder_of_other_files_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        CacheFolder(tmp_path, print)
    with pytest.raises(InputError, match="is no cache"):
        prune(tmp_path, max_size=0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_prune_removes_what_was_not_used_for_longest(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, print)
    for number in range(4):
        folder.write("clips", {"clip": number}, number, {})
        path = folder._place("clips", {"clip": number})
        os.utime(path, (time.time() - 86400 * (10 - number),) * 2)
    (tmp_path / "clips" / "notes.txt").write_text("mine")
    assert folder.read("clips", {"clip": 0}) is not None  # used now
    size = path.stat().st_size
    prune(tmp_path, older_than=8.5)
    assert [folder.read("clips", {"clip": number}) is not None for number in range(4)] == [True, False, True, True]
    os.utime(folder._place("clips", {"clip": 2}), (0, 0))
    prune(tmp_path, max_size=2 * size)
    assert [folder.read("clips", {"clip": number}) is not None for number in range(4)] == [True, False, False, True]
    assert (tmp_path / "clips" / "notes.txt").exists()
