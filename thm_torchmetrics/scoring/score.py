"""Score a dataset of files from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.dataset import Plan, open_dataset, plan_run
from thm_torchmetrics.scoring.devices import score_on_devices
from thm_torchmetrics.scoring.execution import score_dataset
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.score_options import ScoreOptions

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
    devices: int | None = None,
    num_nodes: int = 1,
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
        devices: compute in so many processes, a device each; needs the extra ``lightning``. The program must guard its
            start by ``if __name__ == "__main__"``, as for every use of several processes.
        num_nodes: how many machines take part, with ``devices`` on each.
        progress: receives the progress of the run, in one process; default: nothing shows it.

    Returns:
        The values over the dataset and of each clip, with their provenance. On a machine that is not the first of
        several: a result without metrics and clips.

    Raises:
        InputError: if the arguments do not fit together, or one of them changes nothing.
        StoppedRun: a `KeyboardInterrupt` whose ``result`` holds the clips that were done; it is not ``complete``.
        MissingExtraError: if several devices are asked for, and Lightning is not installed.
        RankError: if a process on one of several devices died.

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
    progress = given.pop("progress")
    plan = plan_run(ScoreOptions.in_python(given))
    if devices is None:
        return run_plan(plan, progress or Progress())
    if progress is not None:
        raise InputError("`progress=` is of one process; leave it out with `devices=`")
    return score_on_devices(plan) or Result({}, {}, [], {})


def run_plan(plan: Plan, progress: Progress) -> Result:
    """Score what a plan asks for, in this process.

    Args:
        plan: the plan.
        progress: receives the progress of the run.

    Raises:
        InputError: if a checkpoint is given that no metric needs, or no file can be paired.
        StoppedRun: if a signal stops it; its result holds the clips that were done.
    """
    dataset = open_dataset(plan, progress)
    return score_dataset(plan, dataset, dataset.run.outcomes, progress)
