"""Write a result as JSON, CSV, Markdown and LaTeX text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from thm_torchmetrics.catalog import CATALOG, find_choice
from thm_torchmetrics.scoring.result import MetricResult, Result

_PLACES = 4
NONE = "–"  # noqa: RUF001
"""The mark in tables for a value that is missing."""


def number(value: float | None) -> str:
    """Return a value as tables show it; a dash if there is none."""
    return NONE if value is None else f"{value:.{_PLACES}f}"


def share(value: float | None) -> str:
    """Return a coverage in percent, never rounded up to 100."""
    if value is None:
        return NONE
    return "100%" if value == 1 else f"{min(value * 100, 99.9):.1f}%"


def label(key: str, metric: MetricResult) -> str:
    """Return a metric's name in tables.

    It is the key, with the network in brackets if that is not the default: ``csim[dlib]``.
    """
    row = CATALOG.get(key.partition(":")[0])
    defaults = row.extractors[:1] if row else ()
    other = metric.extractor is not None and bool(defaults) and metric.extractor not in defaults
    return f"{key}[{metric.extractor}]" if other else key


def to_json(result: Result) -> str:
    """Return JSON of schema 1, indented; ``null`` stands for no value."""
    return json.dumps(result.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(result: Result) -> str:
    """Return one line per clip and a last one, ``ALL``, over the dataset.

    The provenance stands on top in comment lines. Read it back with ``pandas.read_csv(path, comment="#")``.
    """
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in _origin(result))
    table = csv.writer(text, lineterminator="\n")
    keys = list(result.metrics)
    table.writerow(["clip", "status", *keys])
    for clip, values in result.rows():
        table.writerow([clip.clip, clip.status, *(_plain(values.get(key)) for key in keys)])
    table.writerow(["ALL", "", *(_plain(result.metrics[key].value) for key in keys)])
    return text.getvalue()


def to_markdown(result: Result) -> str:
    """Return tables of the metrics and of the clips, and lists of skips and failures."""
    head = ("Metric", "Value", "Unit", "Protocol", "Frames", "Clips", "Coverage", "Left out")
    lines = _pipes(
        head,
        [
            (
                f"{label(key, metric)} {_arrow(metric)}", number(metric.value), metric.unit, metric.protocol,
                str(metric.frames), str(metric.clips), share(metric.coverage), str(metric.left_out),
            )
            for key, metric in result.metrics.items()
        ],
    )  # fmt: skip
    if result.clips:
        rows = [
            (
                clip.clip,
                clip.status,
                *(number(clip.metrics[k].value) if k in clip.metrics else NONE for k in result.metrics),
            )
            for clip in result.clips
        ]
        lines += ["", *_pipes(("Clip", "Status", *(label(*each) for each in result.metrics.items())), rows)]
    if result.skipped:
        lines += ["", "Skipped:", "", *(f"- {key}: {reason}" for key, reason in result.skipped.items())]
    if result.failed:
        lines += ["", "Failed:", "", *(f"- {clip.clip}: {clip.error}" for clip in result.failed)]
    return "\n".join([*lines, "", *(f"<!-- {line} -->" for line in _origin(result)), ""])


def to_latex(result: Result) -> str:
    """Return a ``booktabs`` table, one column per metric, with arrows.

    The provenance stands in comments.
    """
    keys = list(result.metrics)
    titles = [f"{_tex(_title(key, result.metrics[key]))} ${_tex_arrow(result.metrics[key])}$" for key in keys]
    return "\n".join(
        [
            *(f"% {line}" for line in _origin(result)),
            r"\begin{tabular}{l" + "r" * len(keys) + "}",
            r"\toprule",
            " & ".join(["Method", *titles]) + r" \\",
            r"\midrule",
            " & ".join(["Ours", *(number(result.metrics[key].value).replace(NONE, "--") for key in keys)]) + r" \\",
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _origin(result: Result) -> list[str]:
    versions = result.provenance.get("versions", {})
    lines = [
        f"thm-torchmetrics {versions.get('thm-torchmetrics', '')}, {result.provenance.get('created', '')}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    for key, metric in result.metrics.items():
        extractor = f", extractor {metric.extractor}" if metric.extractor else ""
        lines.append(
            f"{key}: protocol {metric.protocol}{extractor}, {metric.frames} frames of {metric.clips} clips, "
            f"coverage {share(metric.coverage)}, {metric.left_out} left out"
        )
    lines += [f"{key}: skipped, {reason}" for key, reason in result.skipped.items()]
    lines += [f"{clip.clip}: failed, {clip.error}" for clip in result.failed]
    return [" ".join(line.split()) for line in lines]


def _arrow(metric: MetricResult) -> str:
    return "↑" if metric.higher_is_better else "↓"


def _tex_arrow(metric: MetricResult) -> str:
    return r"\uparrow" if metric.higher_is_better else r"\downarrow"


def _title(key: str, metric: MetricResult) -> str:
    choice = find_choice(key)
    name = label(key, metric).replace(key, choice.row.key.upper())
    return name if ":" not in key else f"{name} ({choice.protocol})"


def _tex(text: str) -> str:
    for plain, escaped in (("_", r"\_"), ("%", r"\%"), ("&", r"\&"), ("#", r"\#")):
        text = text.replace(plain, escaped)
    return text


def _plain(value: float | None) -> str:
    return "" if value is None else repr(value)


def _pipes(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
