"""Write the pages that are made from the package: one per metric, the list of metrics, and the messages.

python docs/generated.py FOLDER
python docs/generated.py --readme  # prints the table of metrics that README.md holds
"""

from __future__ import annotations

import csv
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import messages

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.catalog import ROWS, SUITES, Row, Scale, find_choice
from thm_torchmetrics.collection import metric_class, option_names
from thm_torchmetrics.weights.licenses import COMMERCIAL_USE

HERE = Path(__file__).parent

FAMILIES = {
    "image_quality": "Pixels and picture quality",
    "lipsync": "Lip sync",
    "landmarks": "Landmarks",
    "identity": "Identity",
    "emotion": "Emotion",
    "face3d": "Expression and pose coefficients",
    "action_units": "Action units",
    "meshes": "3-D faces",
    "sequences": "Unlike lengths and delays",
}
"""Titles of the families, by the module of the catalog; a family without one is named after its module."""

INPUTS = {
    "audio": "sound",
    "labels": "a label per clip",
    "preds_au": "OpenFace tables of the generated clips",
    "target_au": "OpenFace tables of the real clips",
}


def families() -> dict[str, list[Row]]:
    """Return the rows of each family, under its title."""
    homes = {row.key: name for name, module in vars(catalog).items() for row in getattr(module, "ROWS", ())}
    found: dict[str, list[Row]] = {}
    for row in ROWS:
        home = homes[row.key]
        found.setdefault(FAMILIES.get(home, home.replace("_", " ").capitalize()), []).append(row)
    return found


FEATURES = {
    "landmarks": "landmarks",
    "pose": "angles",
    "face3d": "coefficients",
    "emotion": "valence and arousal",
    "identity": "embeddings",
}
"""What a metric can be given in the place of frames, by the kind of its extractors."""

FEATURES_OF = {
    "emotion-accuracy": "logits", "wer": "transcripts", "cer": "transcripts", "dynamic-degree": "optical flow",
    "quality": "scores", "bsd": "blink features",
}  # fmt: skip
"""The same of single metrics, by key."""


PICTURES = {
    "meshes": ("lve", "mve", "ufve", "fdd", "mod", "mtm", "slcc"),
    "motion": (
        "pose-error", "pose-diversity", "pose-delta", "motion-variance", "beat-align", "blink-rate", "blink-duration",
        "lip-leak", "silent-lip", "lip-dynamics", "eyebrow", "head-motion",
    ),
}  # fmt: skip
"""The pages of the gallery that show what metrics measure, and these metrics."""


def needs(row: Row) -> str:
    """Say what a metric reads, in words."""
    if not set(row.inputs) & {"preds", "target"}:
        return ", ".join(INPUTS.get(name, name) for name in row.inputs)
    cls = metric_class(row)
    given = FEATURES_OF.get(row.key, FEATURES.get(row.extractor_kind, "" if cls.feature_shape is None else "features"))
    takes_frames = not row.features_by_default and (cls.feature_shape is None or "extractor" in option_names(cls))
    noun = " or ".join(["frames"] * takes_frames + [given] * bool(given))
    if set(row.inputs) >= {"preds", "target"}:
        words = [f"{noun} of both"] + ([] if metric_class(row).paired else ["any numbers"])
    else:
        words = [f"{noun} of the generated clip" if "preds" in row.inputs else f"{noun} of the real clip"]
    return ", ".join(words + [INPUTS.get(name, name) for name in row.inputs if name not in ("preds", "target")])


def readme_table() -> Iterator[str]:
    """Yield the lines of README's table of metrics."""
    yield "| key | class | | needs | protocols (default first) |"
    yield "|---|---|---|---|---|"
    for row in ROWS:
        protocols = ", ".join(f"`{name}`" for name in row.protocols)
        yield f"| `{row.key}` | `{row.name}` | {row.arrow} {row.unit}".rstrip() + f" | {needs(row)} | {protocols} |"


def metric_page(row: Row, reactions: Mapping[str, list[dict[str, str]]]) -> Iterator[str]:
    """Yield the lines of the page of one metric."""
    cls = metric_class(row)
    yield f"# {row.key}: {row.title}"
    yield ""
    yield "| protocol | | range | mean over | source |"
    yield "|---|---|---|---|---|"
    for name in row.protocols:
        told, scale = row.protocol(name), row.scale_of(name)
        given = "".join(f" `{option}={value}`" for option, value in told.options.items())
        sets = f" Sets{given}." if given else ""
        yield (
            f"| `{name}` | {scale.arrow} {scale.unit} | {interval(scale)} | {told.average}s "
            f"| {told.source.replace('|', '/')}{'' if told.source.endswith('.') else '.'}{sets} |"
        )
    yield ""
    yield f"Needs {needs(row)}. On the command line: `thm score DATA --metrics {row.key}`."
    suites = [name for name, members in SUITES.items() if any(find_choice(text).row is row for text in members)]
    if suites:
        listed = ", ".join(f"`{name}`" for name in suites)
        yield f"Member of the suites {listed} ([which paper used what](../../suites.md))."
    yield ""
    for page, keys in PICTURES.items():
        if row.key in keys:
            yield f"What it measures, [drawn as curves](../../_gallery/plot_{page}.rst)."
            yield ""
    yield from networks(row)
    yield "```{eval-rst}"
    yield f".. autoclass:: {cls.__module__}.{cls.__name__}({signature(cls)})"
    yield "   :no-index-entry:"
    yield "```"
    yield ""
    if row.key in reactions:
        yield from reaction(row.key, reactions[row.key])


def signature(cls: type) -> str:
    """Return the arguments of a class's constructor; its metaclass hides them."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    plain = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
    return str(inspect.Signature(plain))[1:-1]


def interval(scale: Scale) -> str:
    """Return the range of a value."""
    low, high = (f"{bound:g}".replace("inf", "∞") for bound in (scale.low, scale.high))
    return f"{low} .. {high}"


def networks(row: Row) -> Iterator[str]:
    """Yield the table of the checkpoints of a metric, if it has any."""
    known = weights.registry()
    lines = []
    for extractor in row.extractors:
        for name in weights.needed_by(row.extractor_kind, extractor):
            entry = known[name]
            size = "not known" if entry.size is None else f"{entry.size / 1e6:.0f} MB"
            terms = f"{entry.license}; {COMMERCIAL_USE[entry.commercial]}".replace("|", "/")
            lines.append(f"| `{extractor}` | `{name}` | {size} | {terms} |")
    if lines:
        yield from ("| network | checkpoint | size | license |", "|---|---|---|---|", *lines, "")


def reaction(key: str, rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the section on what moves a metric."""
    yield "## What moves it"
    yield ""
    yield f"![{key} under growing disturbances of the sample](../sensitivity/{key}.svg)"
    yield ""
    if any(row["weights"] == "seeded" for row in rows):
        yield "The network has made-up weights here: read the shape of the curves, not their height."
        yield ""
    yield "How this is measured, and a table of all metrics: [what moves which metric](../../sensitivity.md)."
    yield ""


def index_page() -> Iterator[str]:
    """Yield the list of all metrics, by family."""
    yield "# Metrics"
    yield ""
    yield "The arrow points to the better value. Each page has formula, protocols with their sources, inputs, weights."
    for title, rows in families().items():
        yield from (
            "",
            f"## {title}",
            "",
            "| key | | metric | needs | protocols (default first) |",
            "|---|---|---|---|---|",
        )
        for row in rows:
            protocols = ", ".join(f"`{name}`" for name in row.protocols)
            head = (
                f"| [`{row.key}`]({row.key}.md) | {row.arrow} {row.unit} | {row.title} | {needs(row)} | {protocols} |"
            )
            yield head
    yield from ("", "```{toctree}", ":hidden:", "")
    yield from (f"{row.key} <{row.key}>" for row in ROWS)
    yield "```"


def write(folder: Path) -> None:
    """Write all pages; a file that would not change is left alone, so that Sphinx does not read it again."""
    import sensitivity

    with sensitivity.TABLE.open(encoding="utf-8", newline="") as file:
        measured = list(csv.DictReader(file))
    reactions: dict[str, list[dict[str, str]]] = {}
    for each in measured:
        reactions.setdefault(each["metric"], []).append(each)
    pages = {f"metrics/{row.key}.md": metric_page(row, reactions) for row in ROWS}
    pages |= {"metrics/index.md": index_page(), "messages.md": messages.page()}
    pages |= {"reacts_to.md": sensitivity.reacts_to(measured)}
    for name, lines in pages.items():
        text, path = "\n".join(lines) + "\n", folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for key, rows in reactions.items():
        sensitivity.draw(key, rows, folder / "sensitivity" / f"{key}.svg")


if __name__ == "__main__":
    if sys.argv[1:] == ["--readme"]:
        sys.stdout.write("\n".join(readme_table()) + "\n")
    else:
        write(Path(sys.argv[1]))
