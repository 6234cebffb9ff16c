"""The result of a run is the source of every report, and defines the JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.errors import InputError, MissingExtraError
from thm_torchmetrics.media.whole_file import whole_file
from thm_torchmetrics.scoring.json_form import REMEDY, from_json, read_json, to_json, typed
from thm_torchmetrics.scoring.result_parts import check_parts
from thm_torchmetrics.scoring.still import Still

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


@dataclass(frozen=True)
class MetricResult:
    """A metric result is the value of one metric over the whole dataset.

    Attributes:
        value: the metric, None where nothing could be measured.
        unit: its unit, empty for a pure number.
        higher_is_better: its direction.
        protocol: the published procedure.
        extractor: the network, None if there is none.
        frames: what was scored, in the unit of ``counted``.
        clips: clips of which at least one frame was scored.
        coverage: share of aligned frames that were scored, None if there were none.
        left_out: frames cut off by alignment.
        detail: further results, which depend on the metric.
        counted: ``frames``, or ``clips`` where a clip is scored as a whole (lip sync).
        why: the reason, in plain words, where there is no value.
    """

    value: float | None
    unit: str
    higher_is_better: bool
    protocol: str
    extractor: str | None
    frames: int
    clips: int
    coverage: float | None
    left_out: int
    detail: Mapping[str, Any] | None = None
    counted: str = "frames"
    why: str | None = None


@dataclass
class ClipResult:
    """A clip result holds the scores of one clip, and errors if its status is ``failed``.

    Attributes:
        clip: its name.
        errors: why some metrics have no value.
        metrics: the scores.
        notes: remarks on its files that bear on the numbers.
        stills: pictures of its worst frames for an HTML report, which JSON does not hold.
    """

    clip: str
    errors: list[str] = field(default_factory=list)
    metrics: dict[str, ClipScore] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list, repr=False, compare=False)

    def fail(self, names: Iterable[str], reason: str) -> None:
        """Record that some metrics could not be measured."""
        self.errors.append(f"{', '.join(names)}: {reason}")

    @property
    def status(self) -> str:
        """Return ``ok`` or ``failed``."""
        return "failed" if self.errors else "ok"

    @property
    def error(self) -> str | None:
        """Return all errors in one line, None if there are none."""
        return "; ".join(self.errors) or None


@dataclass
class Result:
    """A result holds a whole run, as `thm_torchmetrics.score` returns it.

    Attributes:
        provenance: what made the numbers: versions, options, checkpoints, files.
        metrics: the values over the dataset by metric.
        clips: the scores of each clip, in the order in which they were scored.
        skipped: the metrics that could not run, with the reason.
        notes: remarks that bear on the numbers of more than one clip.
        complete: False where a signal has stopped the run, so that clips are missing.
        unwritten: files beside the report that could not be written, with the reasons; notes in JSON.
    """

    provenance: Mapping[str, Any]
    metrics: Mapping[str, MetricResult]
    clips: list[ClipResult]
    skipped: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    unwritten: list[str] = field(default_factory=list, repr=False, compare=False)

    @property
    def failed(self) -> list[ClipResult]:
        """Return the clips with an error."""
        return [clip for clip in self.clips if clip.errors]

    def lacking(self, keys: Iterable[str]) -> list[str]:
        """Return those of some metrics that have no value."""
        return [key for key in keys if key not in self.metrics or self.metrics[key].value is None]

    @property
    def scored(self) -> bool:
        """Return whether any metric has a value."""
        return any(metric.value is not None for metric in self.metrics.values())

    def to_json(self) -> dict[str, Any]:
        """Return schema 1, ready for ``json.dump``.

        A number that JSON cannot hold becomes None; ``"infinite": {"value": "inf"}`` beside it tells infinity from no
        value.
        """
        plain: dict[str, Any] = to_json(
            {
                "schema": SCHEMA,
                "complete": self.complete,
                "provenance": self.provenance,
                "metrics": {key: asdict(metric) for key, metric in self.metrics.items()},
                "clips": [
                    {
                        "clip": clip.clip,
                        "status": clip.status,
                        "error": clip.error,
                        "errors": clip.errors,
                        "metrics": {key: _score(score) for key, score in clip.metrics.items()},
                        "notes": clip.notes,
                    }
                    for clip in self.clips
                ],
                "skipped": self.skipped,
                "notes": self.notes,
            }
        )
        return plain

    def to_text(self) -> str:
        r"""Return `to_json` as text, indented, in ASCII.

        A name that is not UTF-8 has the escapes of `os.fsdecode`, such as ``\udce9``; `os.fsencode` gives its bytes
        back.
        """
        return json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n"

    def save(self, path: Path | str) -> None:
        """Write the result as JSON of schema 1, whole or not at all.

        Raises:
            OSError: if the file cannot be written; an earlier file of this name then stays as it was.
        """
        with whole_file(Path(path)) as file:
            file.write(self.to_text())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Return the result that `save`, or ``thm score -o FILE.json``, wrote.

        Saving it again writes the same bytes, if the file is of this version.

        Raises:
            InputError: if the file cannot be read, or holds no result of one run; the message names the file.
        """
        return cls.from_json(read_json(Path(path)), str(path))

    @classmethod
    def from_json(cls, plain: Any, name: str = "the result") -> Self:
        """Return the result that `to_json` returned.

        Args:
            plain: the JSON of one run.
            name: what to call it in messages.

        Raises:
            InputError: if it is none, or of another schema.
        """
        if not isinstance(plain, Mapping):
            raise InputError(f"{name} is no result of `thm score`: it is no JSON object; {REMEDY}")
        if isinstance(plain.get("models"), Mapping):
            raise InputError(f"{name} holds several models ({', '.join(plain['models'])}); one result is needed")
        if plain.get("schema") != SCHEMA:
            raise InputError(
                f"{name} is no result of `thm score` that this version reads: its schema is {plain.get('schema')!r}, "
                f"and {SCHEMA} is needed"
            )
        plain = dict(plain)
        if isinstance(plain.get("clips"), list):
            plain["clips"] = [_with_errors(clip) for clip in plain["clips"]]
        plain = from_json(plain)
        result: Self = typed(plain, cls, name)
        check_parts(plain, name)
        return result

    def to_pandas(self) -> pd.DataFrame:
        """Return a table of the clips' values: a row per clip, a column per metric, NaN where there is no value.

        Raises:
            MissingExtraError: if pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtraError(
                "a table of pandas needs pandas: pip install 'thm-torchmetrics[pandas]', or pip install pandas"
            ) from error
        names = [clip.clip for clip in self.clips]
        table = {key: [values.get(key) for _, values in self.rows()] for key in self.metrics}
        return pd.DataFrame(table, index=pd.Index(names, name="clip", dtype=object), dtype="float64")

    def _repr_html_(self) -> str:
        """Return a small table for notebooks: the values over the dataset, and what failed or was skipped."""
        heads = ("Metric", "Value", "Unit", "Protocol", "Frames", "Clips", "Coverage")
        rows = [
            (
                f"{key} {'↑' if metric.higher_is_better else '↓'}",
                "-" if metric.value is None else f"{metric.value:.5g}",
                metric.unit, metric.protocol, str(metric.frames), str(metric.clips),
                "-" if metric.coverage is None else f"{metric.coverage:.0%}",
            )
            for key, metric in self.metrics.items()
        ]  # fmt: skip
        lines = [f"failed: {clip.clip}: {clip.error}" for clip in self.failed]
        lines += [f"skipped: {key}: {reason}" for key, reason in self.skipped.items()]
        lines += self.notes
        table = "".join(f"<tr>{''.join(f'<td>{_html(cell)}</td>' for cell in row)}</tr>" for row in rows)
        head = "".join(f"<th>{cell}</th>" for cell in heads)
        told = "".join(f"<li>{_html(line)}</li>" for line in lines)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table><ul>{told}</ul>"

    def without_frames(self) -> Result:
        """Return the result without the values of single frames."""
        clips = [
            replace(clip, metrics={key: _whole(score) for key, score in clip.metrics.items()}) for clip in self.clips
        ]
        return replace(self, clips=clips)

    def rows(self) -> Iterator[tuple[ClipResult, dict[str, float | None]]]:
        """Yield each clip with its values by metric."""
        for clip in self.clips:
            yield clip, {key: score.value for key, score in clip.metrics.items()}


def _score(score: ClipScore) -> dict[str, Any]:
    """Return a clip's score; the reason why there is none stands among the clip's errors."""
    plain = {name: value for name, value in asdict(score).items() if name != "why"}
    if score.per_frame is None:
        del plain["per_frame"]
    return plain


def _whole(score: ClipScore) -> ClipScore:
    """Return a score without the values of single frames, and without those of single shifts of lip sync."""
    detail = score.detail
    if detail and "tracks" in detail:
        tracks = [{name: value for name, value in track.items() if name != "curve"} for track in detail["tracks"]]
        detail = {**detail, "tracks": tracks}
    return replace(score, per_frame=None, detail=detail)


def _with_errors(clip: Any) -> Any:
    """Return a clip of JSON with a list of errors, which earlier versions have joined to one."""
    if not (isinstance(clip, Mapping) and clip.get("error")):
        return clip
    return {"errors": [clip["error"]], **clip}


def _html(text: str) -> str:
    """Return a text of any origin as HTML that changes neither the table nor the direction of what follows."""
    return f"<bdi>{escape(text)}</bdi>"
