"""Score a dataset of files from Python."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from thm_torchmetrics.scoring.dataset import Plan, open_dataset, plan_run
from thm_torchmetrics.scoring.interrupts import StoppedRun
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.save_statistics import save_statistics as write_statistics
from thm_torchmetrics.scoring.score_options import ScoreOptions
from thm_torchmetrics.scoring.shards import kept, shard_facts
from thm_torchmetrics.scoring.worst_frames import add_stills

Place: TypeAlias = Path | str


def score(
    data: Place | None = None,
    *,
    preds: Place | None = None,
    target: Place | None = None,
    audio: Place | None = None,
    preds_au: Place | None = None,
    target_au: Place | None = None,
    pairs: Place | None = None,
    fps: float = 25.0,
    preds_features: Mapping[str, Place] | None = None,
    target_features: Mapping[str, Place] | None = None,
    metrics: str | Sequence[str] | None = None,
    suite: str | None = None,
    extractor: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    weights: Mapping[str, Place] | None = None,
    weights_dir: Place | None = None,
    offline: bool = False,
    commercial: bool = False,
    every: int = 1,
    device: str | None = None,
    align: str | None = None,
    resize: str | None = None,
    missing: str = "skip",
    average: str | None = None,
    with_target: bool = False,
    min_track: int | None = None,
    min_face_size: float | None = None,
    tracks: str | None = None,
    au_successful_only: bool = False,
    au_min_confidence: float = 0.0,
    au_face_id: int | None = None,
    shard: str | None = None,
    sums: Place | None = None,
    cache: Place | None = None,
    save_statistics: Place | None = None,
    per_frame: bool = False,
    pictures: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Score generated videos against real ones, as the command ``thm score`` does.

    Every argument is an option of the command; `docs/large_runs.md` shows them at work. An argument that is given and
    changes nothing in the run is an error. A clip that cannot be measured does not stop the others; `Result.failed`
    has it.

    Args:
        data: a folder: ``gt_video``, ``pred_video``, ``gt_audio``, ``gt_au_csv`` and ``pred_au_csv``, which exist.
        preds: generated videos: a folder of videos or of folders of pictures, or one.
        target: real videos, or one photo for all generated ones.
        audio: speech of the generated videos; default: ``gt_audio`` in ``data``, else their own sound.
        preds_au: OpenFace's tables of the generated videos.
        target_au: OpenFace's tables of the real videos.
        pairs: CSV file that names the files of every clip instead.
        fps: frames per second of folders of pictures.
        preds_features: folders of ready-made features of the generated clips by metric.
        target_features: likewise of the real clips.
        metrics: keys, ``"key"`` or ``"key:protocol"``.
        suite: a set of metrics; default: ``thm``, if there are no ``metrics``.
        extractor: the network that feeds a metric, by metric, as in ``{"lmd": "dlib"}``.
        options: options of single metrics by metric and name, as in ``{"csim": {"reference": "image"}}``.
        weights: your own checkpoints by name.
        weights_dir: folder of checkpoints by file name; those of ``weights`` go before them.
        offline: download nothing.
        commercial: refuse checkpoints whose license excludes commercial use.
        every: take every n-th frame only.
        device: where to compute; default: ``cuda`` if there is one, else ``cpu``.
        align: ``truncate``, ``error`` or ``time``, when a pair differs in length or frame rate; default: ``truncate``,
            but fail on unlike frame rates.
        resize: ``bilinear`` or ``bicubic``, when a pair differs in size; default: fail the clip.
        missing: ``skip`` or ``error``, when a frame cannot be scored.
        average: ``frame`` or ``clip``; default: the protocol's own.
        with_target: score the real videos, too, by the metrics that need no reference.
        min_track: lip sync: frames with a face that a track must exceed.
        min_face_size: lip sync: mean width or height in pixels that a track must exceed.
        tracks: lip sync: ``mean`` or ``longest``, which of several faces of a clip count.
        au_successful_only: leave out OpenFace rows with success 0.
        au_min_confidence: leave out OpenFace rows below this confidence, in 0..1.
        au_face_id: which face of OpenFace files with several.
        shard: score one part of the clips, such as ``2/8``; `merge` makes the whole of all parts.
        sums: with ``shard``, the file for its sums; save the result beside it.
        cache: folder of what clips gave in earlier runs, which is not measured again; it is made if it is absent.
        save_statistics: folder for the statistics of the real side of each set metric, to be given to it as ``target``.
        per_frame: keep the values of single frames, by the metrics that have them, with each clip.
        pictures: keep pictures of the worst frames, too, for `reports.write` with a path that ends in ``.html``.
        progress: receives the progress of the run; default: nothing shows it.

    Returns:
        The values over the dataset and of each clip, with their provenance.

    Raises:
        InputError: if the arguments do not fit together, or one of them changes nothing.
        StoppedRun: a `KeyboardInterrupt` whose ``result`` holds the clips that were done; it is not ``complete``.

    Example:
        >>> import tempfile
        >>> import thm_torchmetrics
        >>> from thm_torchmetrics.demo.sample import make_sample
        >>> folder = make_sample(tempfile.mkdtemp(), clips=1, seconds=0.2, size=64)
        >>> result = thm_torchmetrics.score(folder, metrics=["psnr", "ssim"], every=2)
        >>> result.metrics["psnr"].frames
        3
    """
    given = dict(locals())
    progress = given.pop("progress") or Progress()
    return run_plan(plan_run(ScoreOptions.in_python(given)), progress)


def run_plan(plan: Plan, progress: Progress) -> Result:
    """Score what a plan asks for.

    Args:
        plan: the plan.
        progress: receives the progress of the run.

    Raises:
        InputError: if a checkpoint is given that no metric needs, or no file can be paired.
        StoppedRun: if a signal stops it; its result holds the clips that were done.
    """
    begun = time.monotonic()
    dataset = open_dataset(plan, progress)
    items, sums, provenance = dataset.items, plan.options.sums, dict(dataset.provenance)
    if plan.options.shard is None or sums is None:
        outcomes = dataset.run.outcomes(items)
    else:
        facts = shard_facts(plan.options.shard, sums, dataset, plan)
        outcomes = kept(dataset.run.outcomes([items[number] for number in facts.numbers]), facts, sums)
        provenance["shard"] = asdict(facts)
    stopped: StoppedRun | None = None
    try:
        result = dataset.run.result(outcomes, dataset.skipped, provenance)
    except StoppedRun as error:
        result, stopped = error.result, error
    result.notes[:0] = dataset.notes
    if plan.options.save_statistics is not None and stopped is None:
        write_statistics(plan.options.save_statistics, dataset.run.metrics.members(), items)
    if plan.options.pictures and stopped is None:
        progress.step("taking pictures of the worst frames")
        add_stills(result, dataset)
    result.provenance = {**result.provenance, "duration_s": round(time.monotonic() - begun, 3)}
    if stopped is not None:
        raise stopped
    return result
