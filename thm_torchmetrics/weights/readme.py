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

1. the file that you name: `weights=` in Python, `--weights NAME=FILE` or `--weights-dir DIR` on the command line
2. the folder `$THM_WEIGHTS_DIR`, if that variable is set
3. the folder `weights` of the current directory
4. the user's cache (`thm weights path` prints it)
5. the caches of other programs: torch.hub's (`$TORCH_HOME/hub/checkpoints`, by default in `~/.cache/torch`), and
   insightface's (`~/.insightface/models`, the file `buffalo_l.zip`)

In each folder of 2 to 4 a checkpoint may lie under its file name, or in a folder of its own:
`weights/deep3d/epoch_20.pth`. Two checkpoints are called `epoch_20.pth` and four `backbone.pth`; the SHA256 tells them
apart, and a folder of its own lets them lie side by side. Some come inside an installed package and are read there.

A file found in 2 to 4 is used only if its SHA256 is the published one. If it is another, the error says what the file
is instead: cut short, an HTML page, another checkpoint. In the caches of other programs a file with another SHA256 is
passed over, and nothing is ever written there.

A file that you name (1) is used if its SHA256 is another, too, and reports mark it as `custom`, with its SHA256. It is
refused if it is damaged, or holds NaN, infinity, or whole or complex numbers where the network has real ones. In DIR of
`--weights-dir` a checkpoint is recognized as `FILE`, `NAME/FILE`, or `NAME` with a suffix such as `.pth`; the folder
alone tells apart those that share a FILE.

Checkpoints whose SHA256 no source tells (`arcface-r50`, `arcface-r18`, `deep3d-2023`) are never fetched and always
`custom`: name the file, or put it into a folder of its own.

## How to get them

```bash
thm weights list                    # every checkpoint, whether it is here and where, its license; --format json
thm weights fetch syncnet s3fd      # download and verify; one that broke off is continued
thm weights fetch --suite thm       # what a suite needs; --metrics KEY,... what some metrics need
thm weights fetch --suite thm --urls  # for another machine: lines of URL, FILE and SHA256
thm weights verify                  # hash again what is here
thm weights path syncnet            # where the file lies
```

For a machine without network, fetch the lines of `--urls` on another one (`thm weights fetch --help` shows how), or
download from one of the addresses below and compare with `sha256sum FILE`; then put the files into one of the folders
above. Then nothing is downloaded any more; `THM_OFFLINE=1` (`--offline`) makes sure of it.

A host that takes no connection within 10 s, or sends nothing for 60 s, is given up, and not tried again in the same
run.

Downloads go to `$THM_WEIGHTS_DIR` if it is set, else to the user's cache.

Some terms must be accepted before a checkpoint is fetched: read them, and give `--accept-license` once. The answer is
kept in `NAME.license-accepted.txt` beside the downloads; remove it to withdraw. Nothing that has such terms is ever
downloaded without it, by no command.

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
        "SHA256": _sha256(entry),
        "Git blob": f"`{entry.git_blob}` (`git hash-object {entry.file}`)" if entry.git_blob else "",
        "License": entry.license,
        "Terms": f"<{entry.terms}>, to be accepted before it is fetched" if entry.terms else "",
        "Commercial use": _USE[entry.commercial],
        "Publisher": f"<{entry.source}>",
        "Addresses": "".join(f"\n  - <{url}>" for url in entry.addresses),
        "By hand": f"<{entry.page}>" if entry.page else "",
        "Comes with": _package(entry),
        "Holds": entry.layout,
        "Note": entry.note,
        "Verified": entry.verified,
    }
    lines = [f"- {fact}:{text if text[0].isspace() else f' {text}'}" for fact, text in facts.items() if text]
    return "\n".join([f"### `{entry.name}`", "", *lines, ""])


def _sha256(entry: WeightEntry) -> str:
    if entry.sha256:
        return f"`{entry.sha256}`"
    return "not known" if entry.verifiable else "not known, so it is used only as your own file"


def _names(entry: WeightEntry) -> str:
    if entry.parts:
        return f"`{entry.file}`, a folder of {len(entry.parts)} files, with the SHA256 of the output of sha256sum"
    others = ", ".join(f"`{alias}`" for alias in entry.aliases)
    return f"`{entry.file}`" + (f" (also published as {others})" if others else "")


def _package(entry: WeightEntry) -> str:
    if entry.package is None:
        return ""
    brought_by = f"pip install 'thm-torchmetrics[{entry.extra}]'" if entry.extra else "pip install thm-torchmetrics"
    return f"`{brought_by}` (in `{entry.package}`)"


if __name__ == "__main__":
    sys.stdout.write(readme())
