"""Draw the pictures of README.md into docs/_static: what `thm demo` prints, and the page of `thm demo --report`.

python docs/pictures.py  # needs Chromium; takes minutes
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

STATIC = Path(__file__).parent / "_static"
SIZE = (1280, 960)


def draw_terminal(command: str, printed: str, path: Path) -> None:
    """Draw a terminal with a command and what it printed, as an SVG that loads nothing from elsewhere."""
    lines = [f"$ {command}", *(line.rstrip() for line in printed.splitlines())]
    console = Console(record=True, width=max(map(len, lines)), file=io.StringIO())
    console.print(Text("\n".join(lines)))
    svg = console.export_svg(title="", theme=MONOKAI, unique_id="thm")
    path.write_text(re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL), encoding="utf-8")


def draw_page(page: Path, path: Path) -> None:
    """Draw the top of an HTML page as a browser shows it."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is not on PATH; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder, "shot.png")
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}"]
        window = f"--window-size={SIZE[0]},{SIZE[1]}"
        subprocess.run(  # noqa: S603  (Chromium, with our own page)
            [program, *options, window, f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True
        )
        with Image.open(shot) as image:
            image.convert("RGB").save(path, quality=80, method=6)


def run(*arguments: str, folder: Path) -> str:
    """Run the command in a folder, and return what it prints."""
    command = [sys.executable, "-m", "thm_torchmetrics", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout  # noqa: S603


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        printed = run("demo", folder=Path(made))
        draw_terminal("thm demo", printed, STATIC / "table.svg")
        run("demo", "--report", "demo.html", folder=Path(made))
        draw_page(Path(made, "demo.html").resolve(), STATIC / "report.webp")
