"""Score a dataset on several devices or machines, by Lightning Fabric."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

import torch.distributed as dist
from torch.multiprocessing.spawn import ProcessException

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.errors import InputError, MissingExtraError, RankError, ThmError
from thm_torchmetrics.scoring.dataset import Dataset, Plan, open_dataset, plan_run
from thm_torchmetrics.scoring.execution import score_dataset
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.ranks import Ranks
from thm_torchmetrics.scoring.resources import device_named
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.score_options import ScoreOptions

if TYPE_CHECKING:
    from lightning.fabric.fabric import Fabric

Shown: TypeAlias = Callable[[int, int], AbstractContextManager[Progress]]
"""Returns what shows the progress of one rank of several; a function of a module, so that processes can be sent it."""

_NO_LIMIT = timedelta(days=30)
"""How long a rank waits for a slower one; `Ranks` notices dead ones."""


def silent(rank: int, world: int) -> AbstractContextManager[Progress]:
    """Return what shows no progress."""
    return _silent()


@contextmanager
def _silent() -> Iterator[Progress]:
    yield Progress()


def launched_devices(num_nodes: int) -> int | None:
    """Return on how many devices of each machine ``torchrun`` has started this program; None if it has not."""
    if not dist.is_torchelastic_launched():
        return None
    return int(_environments().TorchElasticEnvironment().world_size()) // num_nodes


def score_on_devices(plan: Plan, shown: Shown = silent) -> Result | None:
    """Score what a plan asks for, in one process for each device.

    The processes are those that ``torchrun`` or SLURM has started; else Fabric starts them.

    Args:
        plan: the plan, with ``devices``.
        shown: returns what shows the progress of each rank.

    Returns:
        The result in the process that began, or in rank 0 of those that were started together; None in the others.

    Raises:
        InputError: if the options do not fit together.
        MissingExtraError: if Lightning is not installed.
        RankError: if a process died.
    """
    options = plan.options
    environments = _environments()
    if dist.is_initialized():
        raise InputError(
            f"{options.spell('devices')}: this process is part of a group already; score in a process of its own, or "
            f"leave {options.spell('devices')} out"
        )
    external = environments.TorchElasticEnvironment.detect() or environments.SLURMEnvironment.detect()
    result: Result | None
    fabric = _fabric(options, "popen" if external else "spawn")
    if external:
        result = fabric.launch(partial(_score_rank, options=options, shown=shown))
        return result
    before = set(multiprocessing.active_children())
    with TemporaryDirectory() as folder:
        try:
            fabric.launch(partial(_score_spawned, options=options, shown=shown, folder=Path(folder)))
        except ProcessException as error:
            last = str(error).strip().splitlines()[-1]
            raise RankError(
                f"rank {error.error_index} of the run died, and no result is left: {last}; if memory ran out, give a "
                f"smaller number to {options.spell('devices')}"
            ) from error
        finally:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
        fault = Path(folder, "fault.txt")
        if fault.exists():
            raise InputError(fault.read_text(encoding="utf-8"))
        left = Path(folder, "result")
        if not left.exists():  # on the machines but the first
            return None
        result = pickle.loads(left.read_bytes())  # noqa: S301  (of the process that this one started)
        return result


def _environments() -> Any:
    """Return Lightning's module of what starts processes.

    Raises:
        MissingExtraError: if Lightning is not installed.
    """
    try:
        from lightning.fabric.plugins import environments
    except ImportError as error:
        raise MissingExtraError("several devices need Lightning: pip install 'thm-torchmetrics[lightning]'") from error
    return environments


def _fabric(options: ScoreOptions, start_method: Any) -> Fabric:
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    device = device_named(options.device, options.spell)
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"{options.spell('devices')} takes CPUs or CUDA devices, not {device.type}")
    if options.device and ":" in options.device:
        raise InputError(
            f"{options.spell('device', options.device)} is one device; with {options.spell('devices')} give its kind, "
            f"{device.type}"
        )
    try:
        # outcomes are sent as objects, which gloo does on every machine
        strategy = DDPStrategy(start_method=start_method, process_group_backend="gloo", timeout=_NO_LIMIT)
        return Fabric(
            accelerator=device.type, devices=options.devices or 1, num_nodes=options.num_nodes, strategy=strategy
        )
    except (ValueError, RuntimeError) as error:  # of Lightning: too few devices, other numbers than SLURM was given
        raise InputError(f"{options.spell('devices', options.devices)}: {error}") from error


def _score_spawned(fabric: Fabric, options: ScoreOptions, shown: Shown, folder: Path) -> None:
    """Score in a process that Fabric started; rank 0 leaves the result in a folder."""
    try:
        result = _score_rank(fabric, options, shown)
        if result is not None:
            (folder / "result").write_bytes(pickle.dumps(result))
    except InputError as error:
        if fabric.local_rank == 0:
            (folder / "fault.txt").write_text(str(error), encoding="utf-8")


def _score_rank(fabric: Fabric, options: ScoreOptions, shown: Shown) -> Result | None:
    """Score with the other ranks; the result is rank 0's.

    Raises:
        InputError: if the options do not fit together, on every rank alike.
    """
    with shown(fabric.global_rank, fabric.world_size) as progress:
        host: str = fabric.strategy.cluster_environment.main_address  # type: ignore[attr-defined]
        with Ranks(host, progress.alarm) as ranks:
            plan = plan_run(replace(options, device=str(fabric.device)))
            dataset = _agreed(plan, ranks, progress)
            if ranks.rank > 0:
                for _ in ranks.outcomes(dataset.run, None):
                    pass
                return None
            result = score_dataset(plan, dataset, lambda items: ranks.outcomes(dataset.run, items), progress)
    result.provenance = {**result.provenance, "ranks": ranks.world}
    return result


def _agreed(plan: Plan, ranks: Ranks, progress: Progress) -> Dataset:
    """Open the dataset on every rank, with the metrics that run on all of them.

    Raises:
        InputError: if a rank cannot open it; the message names it.
    """
    fault, dataset = "", None
    try:
        dataset = open_dataset(plan, progress)
    except ThmError as error:
        fault = str(error)
    told = ranks.gather((fault, {} if dataset is None else dict(dataset.skipped)))
    faults = [fault for fault, _ in told if fault]
    if dataset is None or faults:
        raise InputError(faults[0])
    lacking = {key: reason for _, skipped in told for key, reason in skipped.items()}
    members = {key: metric for key, metric in dataset.run.metrics.members().items() if key not in lacking}
    if len(members) < len(dataset.run.metrics.members()):
        run = replace(dataset.run, metrics=TalkingHeadMetrics(members))
        return replace(dataset, run=run, skipped=lacking | dict(dataset.skipped))
    return dataset
