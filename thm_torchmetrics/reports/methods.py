"""Write the paragraph of a paper that says how the numbers were made, with BibTeX of the sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from thm_torchmetrics.catalog import unaligned
from thm_torchmetrics.catalog.bibliography import ENTRIES
from thm_torchmetrics.catalog.citations import citations_of
from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.reports.cells import share
from thm_torchmetrics.reports.footnotes import find_footnotes, row_of
from thm_torchmetrics.reports.latex import typeset
from thm_torchmetrics.scoring.result import MetricResult, Result

_PACKAGES = {"torch": "PyTorch", "torchmetrics": "torchmetrics", "numpy": "NumPy", "av": "PyAV"}
_AVERAGES = {"frame": "frames", "clip": "clips", "track": "face tracks"}
_OF_INTERVALS = {
    "BCa": ("efron1987bca", "hesterberg2015bootstrap"),
    "percentile": ("hesterberg2015bootstrap",),
    "moving blocks": ("kunsch1989blocks",),
}


def methods_of(models: Mapping[str, Result], comparison: Comparison | None = None) -> str:
    """Return a paragraph for LaTeX, and BibTeX of what it cites.

    It names protocols with their sources, networks and checkpoints, versions, size and rate of the videos, counts of
    clips and frames, coverage, what changes the numbers, and how intervals and tests were made.

    Args:
        models: the results by the name of the model.
        comparison: their comparison, if there are several.
    """
    cited: dict[str, None] = {}
    sentences = [*_data(models), *_metrics(models, cited), *_counts(models), *_changes(models)]
    if comparison is not None:
        sentences += _statistics(comparison, cited)
    sentences += _versions(models, cited)
    entries = "\n\n".join(ENTRIES[key] for key in cited)
    return " ".join(sentences) + "\n" + (f"\n{entries}\n" if entries else "")


def _data(models: Mapping[str, Result]) -> Iterator[str]:
    """Say how many clips there are, and of what size and rate."""
    counts = sorted({len(result.clips) for result in models.values()})
    clips = " to ".join(map(str, counts[:1] + counts[-1:] if len(counts) > 1 else counts))
    failed = {name: len(result.failed) for name, result in models.items() if result.failed}
    who = f"{len(models)} models ({', '.join(typeset(name, any_letter=True) for name in models)})"
    yield f"We score {who if len(models) > 1 else 'generated videos'} on {clips} clips."
    for side, title in (("preds", "generated"), ("target", "real")):
        seen: Counter[str] = Counter()
        for result in models.values():
            for kind, count in result.provenance.get("media", {}).get(side, {}).items():
                seen[kind.partition(",")[0]] += count
        if seen:
            listed = ", ".join(kind for kind, _ in seen.most_common(3)) + (" and others" if len(seen) > 3 else "")
            yield f"The {title} videos are {typeset(listed)}."
    for name, count in failed.items():
        of = f" of {typeset(name, any_letter=True)}" if len(models) > 1 else ""
        yield f"{count} clip{'s' if count > 1 else ''}{of} could not be measured by every metric."


def _metrics(models: Mapping[str, Result], cited: dict[str, None]) -> Iterator[str]:
    """Say by which protocol and network each metric is measured, and what its mean is over."""
    for key, (result, metric) in _first_with(models).items():
        row = row_of(key)
        name = unaligned(key).partition(":")[0]
        title = f"{typeset(name.upper())} ({typeset(row.title)})" if row is not None else typeset(key)
        keys = [entry for entry in citations_of(name, metric.protocol, metric.extractor) if entry in ENTRIES]
        cited.update(dict.fromkeys(keys))
        cite = rf"~\cite{{{','.join(keys)}}}" if keys else ""
        source = ""
        if row is not None and metric.protocol in row.protocols:
            source = f" ({typeset(row.protocol(metric.protocol).source)})"
        network = f", on {typeset(metric.extractor)}" if metric.extractor else ""
        options = result.provenance.get("options", {}).get(key, {})
        average = _AVERAGES.get(str(options.get("average")))
        mean = f"; mean over {average}" if average else ""
        mean += "; frames are paired without the delay of each clip" if options.get("align") == "delay" else ""
        yield f"{title}{cite} follows the protocol {typeset(metric.protocol)}{source}{network}{mean}."
    hashes = {
        name: entry
        for result in models.values()
        for name, entry in result.provenance.get("weights", {}).items()
        if entry.get("sha256")
    }
    if hashes:
        listed = ", ".join(
            f"{typeset(name)} (SHA-256 {typeset(str(entry['sha256'])[:12])}{', custom' if entry.get('custom') else ''})"
            for name, entry in hashes.items()
        )
        yield f"Checkpoints: {listed}."


def _counts(models: Mapping[str, Result]) -> Iterator[str]:
    """Say how much of the data has a value."""
    partial: dict[str, list[str]] = {}
    for key in _first_with(models):
        found = [result.metrics[key] for result in models.values() if key in result.metrics]
        shares = [metric.coverage for metric in found if metric.coverage is not None]
        if shares and min(shares) < 1:
            partial.setdefault(share(min(shares)), []).append(typeset(key))
    frames = max((metric.frames for _, metric in _first_with(models).values() if metric.counted == "frames"), default=0)
    if frames:
        yield f"Up to {frames} frames of a model are scored."
    unmeasured = {key for result in models.values() for key in (*result.skipped, *result.metrics)} - _first_with(
        models
    ).keys()
    if unmeasured:
        yield f"Not measured: {', '.join(map(typeset, sorted(unmeasured)))}."
    if _first_with(models) and not partial:
        yield "Every frame that could have a value has one."
    for percent, keys in partial.items():
        yield rf"{', '.join(keys)}: at least {typeset(percent)} of the frames have a value; the others are left out."


def _changes(models: Mapping[str, Result]) -> Iterator[str]:
    """Say what changes the numbers, beside the protocols."""
    lines = dict.fromkeys(line for result in models.values() for line in find_footnotes(result).lines())
    if lines:
        yield f"Beside the protocols: {'; '.join(map(typeset, lines))}."


def _statistics(comparison: Comparison, cited: dict[str, None]) -> Iterator[str]:
    """Say how intervals and tests were made."""
    intervals = [cell.interval for cells in comparison.cells.values() for cell in cells.values()]
    keys = [key for interval in intervals if interval is not None for key in _OF_INTERVALS[interval.method]]
    keys += ["holm1979"] if any(each.p is not None for each in comparison.differences) else []
    cited.update(dict.fromkeys(keys))
    for line in (*(f"not compared: {line}" for line in comparison.left_out), *comparison.notes):
        yield f"{typeset(line[:1].upper() + line[1:])}."
    if keys:
        yield rf"The statistics are those of~\cite{{{','.join(dict.fromkeys(keys))}}}."


def _versions(models: Mapping[str, Result], cited: dict[str, None]) -> Iterator[str]:
    first = next(iter(models.values()))
    versions = first.provenance.get("versions", {})
    cited["detlefsen2022torchmetrics"] = None
    others = [f"{title} {versions[name]}" for name, title in _PACKAGES.items() if name in versions]
    python = f"Python {versions['python']}, " if "python" in versions else ""
    software = typeset(f"thm-torchmetrics {versions.get('thm-torchmetrics', '')}".strip())
    yield rf"Software: {software}, {typeset(python + ', '.join(others))}~\cite{{detlefsen2022torchmetrics}}."


def _first_with(models: Mapping[str, Result]) -> dict[str, tuple[Result, MetricResult]]:
    """Return each metric that has a value, with the first result in which it has one."""
    found: dict[str, tuple[Result, MetricResult]] = {}
    for result in models.values():
        for key, metric in result.metrics.items():
            if metric.value is not None:
                found.setdefault(key, (result, metric))
    return found
