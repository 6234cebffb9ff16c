"""Define the command ``thm score``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from thm_torchmetrics.cli.completion import complete_keys, complete_suite
from thm_torchmetrics.cli.config import arguments_of, command_line, config_option, given_options
from thm_torchmetrics.cli.options import (
    FiniteRange,
    checkpoint_options,
    device_option,
    lip_sync_options,
    report_options,
)
from thm_torchmetrics.cli.output import finish, finish_stopped
from thm_torchmetrics.cli.run import run
from thm_torchmetrics.cli.score_models import models_named, names_models, score_models
from thm_torchmetrics.cli.wording import in_cli_words
from thm_torchmetrics.errors import InputError, MissingExtraError, RankError
from thm_torchmetrics.scoring.interrupts import StoppedRun

RANK_DIED = 5
"""Exit status where a process of a run on several devices died."""

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("data", type=_FOLDER, required=False)
@click.option(
    "--preds",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Generated videos: a folder of videos or of folders of pictures, or one; may be repeated for several models.",
)
@click.option("--target", type=_FOLDER, help="Real videos, or one photo for all generated ones.")
@click.option(
    "--audio", type=_FOLDER, help="Speech of the generated videos.  [default: gt_audio in DATA, else their own sound]"
)
@click.option("--preds-au", type=_FOLDER, help="OpenFace CSV files of the generated videos.")
@click.option("--target-au", type=_FOLDER, help="OpenFace CSV files of the real videos.")
@click.option(
    "--pairs",
    type=_FOLDER,
    metavar="FILE.csv",
    help="Name the files of every clip instead: columns clip, preds, target, audio, preds_au, target_au, as needed.",
)
@click.option(
    "--fps",
    type=FiniteRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    metavar="N",
    help="Frames per second of folders of pictures.",
)
@click.option(
    "--preds-features",
    multiple=True,
    metavar="KEY=DIR",
    help="Feed a metric ready-made features of the generated clips, .npy or .npz; may be repeated.",
)
@click.option(
    "--target-features",
    multiple=True,
    metavar="KEY=DIR",
    help="Likewise of the real clips; both are needed.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="KEY,...",
    shell_complete=complete_keys,
    help="Metrics by key, separated by commas; key:protocol chooses a protocol; may be repeated.",
)
@click.option(
    "--suite",
    metavar="NAME",
    shell_complete=complete_suite,
    help="A set of metrics; see `thm list`.  [default: thm]",
)
@click.option(
    "--extractor",
    multiple=True,
    metavar="KEY=NAME",
    help="Feed a metric by another network, e.g. lmd=dlib; may be repeated.",
)
@click.option(
    "--option",
    multiple=True,
    metavar="KEY.NAME=VALUE",
    help="Set an option of one metric, e.g. csim.reference=image or lse-d.min_track=50; may be repeated.",
)
@checkpoint_options
@click.option("--every", type=click.IntRange(min=1), default=1, metavar="N", help="Take every N-th frame only.")
@device_option
@click.option(
    "--align",
    type=click.Choice(["truncate", "error", "time"]),
    default=None,
    help="When a pair differs in length or frame rate: compare frame i with frame i, fail the clip, or compare the "
    "frames on display at the target's times.  [default: truncate, but fail on unlike frame rates]",
)
@click.option(
    "--resize",
    type=click.Choice(["bilinear", "bicubic"]),
    default=None,
    help="When a pair differs in size: bring the prediction to the target's.  [default: fail the clip]",
)
@click.option(
    "--missing",
    type=click.Choice(["skip", "error"]),
    default="skip",
    show_default=True,
    help="When a frame cannot be scored: skip and count it, or fail the clip.",
)
@click.option(
    "--average",
    type=click.Choice(["frame", "clip"]),
    default=None,
    help="All frames weigh the same, or all clips.  [default: the protocol's own]",
)
@click.option(
    "--with-target",
    is_flag=True,
    help="Score the real videos, too, by the metrics that need no reference, and show them above.",
)
@lip_sync_options
@click.option("--au-successful-only", is_flag=True, help="Leave out OpenFace rows with success 0.")
@click.option(
    "--au-min-confidence",
    type=FiniteRange(0, 1),
    default=0.0,
    metavar="C",
    help="Leave out OpenFace rows below this confidence.",
)
@click.option("--au-face-id", type=int, default=None, metavar="N", help="Which face of OpenFace files with several.")
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Compute in N processes, a device each. Under torchrun and SLURM they are those that it has started.",
)
@click.option(
    "--num-nodes",
    type=click.IntRange(min=1),
    default=1,
    metavar="M",
    help="How many machines take part, with --devices on each.",
)
@click.option(
    "--shard",
    metavar="I/N",
    help="Score the I-th of N parts of the clips, with -o PART.json; `thm merge` makes one result of all parts.",
)
@click.option(
    "--cache",
    type=_FOLDER,
    metavar="DIR",
    help="Take from this folder what was measured before, and keep there what is measured now; see docs/large_runs.md.",
)
@click.option(
    "--save-statistics",
    type=_FOLDER,
    metavar="DIR",
    help="Write the statistics of the real videos of each set metric, for --option fid.target=DIR/fid.safetensors.",
)
@report_options
@click.option(
    "--per-frame",
    is_flag=True,
    help="Keep the values of single frames, by the metrics that have them, in JSON reports.",
)
@click.option("--quiet", is_flag=True, help="Show no progress; remarks are shown.")
@config_option
@click.pass_context
def score(context: click.Context, /, **_: Any) -> None:
    """Score generated videos against real ones.

    DATA is a folder with gt_video, pred_video, gt_audio, gt_au_csv and pred_au_csv, whichever exist; the
    options name other places. Clips are paired by file stem, or by --pairs. A clip may be a folder of numbered
    pictures, 0001.png and so on; DIR/%05d.png names a single one.

    Several --preds are several models, with NAME=DIR by name: they are compared on the clips that all have, in one
    table, as `thm compare` does; a gate holds for each of them.

    An option that is given and changes nothing in the run is an error.

    Exit status: 0 everything asked for was scored; 1 a --fail-under gate failed; 2 wrong usage or an output that cannot
    be written; 3 some clips or models failed, or a metric named with --metrics has no value; 4 nothing was scored; 5
    a process of --devices died; 130 stopped by Ctrl-C, 143 by SIGTERM (the reports hold the clips that were done, and
    say that they are not complete; of several models or processes none is written); 141 the reader of standard
    output has gone (files are written).
    """  # fmt: skip
    values, given = given_options(context)
    arguments, command = arguments_of(context, values, given), command_line(context)
    try:
        if names_models(values["preds"]):
            models = models_named(values["preds"])
            context.exit(score_models(models, values, given, arguments, command))
        values["preds"] = next(map(Path, values["preds"]), None)
        if values["preds"]:
            arguments["preds"] = str(values["preds"])
        try:
            result, asked = run(values, given, arguments, command)
        except StoppedRun as stopped:
            finish_stopped(stopped, values)
            raise
    except (InputError, MissingExtraError) as error:
        raise click.UsageError(in_cli_words(str(error))) from error
    except RankError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(RANK_DIED)
    if result is None:  # another process writes it
        context.exit(0)
    context.exit(finish(result, values, asked if values["metrics"] else ()))
