"""Load the networks of metrics before the first clip."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import torch

from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import ThmError
from thm_torchmetrics.extractors import PooledNetwork
from thm_torchmetrics.extractors.base import Loadable
from thm_torchmetrics.scoring.reasons import reason_of


class NetworkLoader:
    """The loader loads every network once, also if that fails and several metrics need it.

    Args:
        device: the device on which the metrics compute.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._faults: dict[Hashable, str | None] = {}

    def fault(self, metric: TalkingHeadMetric) -> str | None:
        """Load the networks of a metric, and return why one of them cannot be loaded; None if all are."""
        for network in networks_of(metric):
            # two extractors may run one network, on the face and on the whole frame, say
            key = network.place(self._device) if isinstance(network, PooledNetwork) else network
            if key not in self._faults:
                self._faults[key] = self._load(network)
            if self._faults[key] is not None:
                return self._faults[key]
        return None

    def _load(self, network: Loadable) -> str | None:
        try:
            network.load(self._device)
        except ThmError as error:
            return reason_of(error)
        except Exception as error:  # no memory is left, or what a package outside this one raises
            first = reason_of(error).splitlines()[0]
            return f"the network {network} cannot be loaded on {self._device}: {first}"
        return None


def networks_of(metric: TalkingHeadMetric) -> Iterator[Loadable]:
    """Yield the extractors and networks among the options of a metric, each after its parts."""
    for value in vars(metric).values():
        if isinstance(value, Loadable):
            yield from with_parts(value)


def with_parts(whole: Loadable) -> Iterator[Loadable]:
    """Yield an extractor or network after those that it runs."""
    for part in whole.parts():
        yield from with_parts(part)
    yield whole
