"""How Sphinx builds the pages: `nox -s docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generated  # noqa: E402  (it lies beside this file)

import thm_torchmetrics  # noqa: E402

project = "thm_torchmetrics"
author = copyright = "The thm_torchmetrics developers"
version = release = thm_torchmetrics.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "_generated/reacts_to.md",
    "gallery/*",
    "**/sg_execution_times.rst",
    "sg_execution_times.rst",
]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # the signature is in the text, and aliases of types would be spelled out
autodoc_member_order = "bysource"
napoleon_custom_sections = ["Convention"]
default_role = "code"
smartquotes = False  # options and messages stand as they are typed: "--suite", not a dash

sphinx_gallery_conf = {
    "examples_dirs": ["gallery"],
    "gallery_dirs": ["_gallery"],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 3600,
}

html_theme = "furo"
html_title = "thm_torchmetrics"
html_static_path = ["_static"]
html_css_files = ["pages.css"]

generated.write(HERE / "_generated")
