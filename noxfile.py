"""Tasks: `nox -s fast` while you work, `nox -s all` before you push; `nox -l` lists them.

The sessions run in the environment that calls nox: install the package with its test extra first.
"""

import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["fast", "lint"]

FAST = (
    "tests/core",
    "tests/functional",
    "tests/imaging",
    "tests/faces",
    "tests/nets",
    "tests/weights",
    "tests/reports",
    "tests/metrics/test_promises.py",
    "tests/test_contributing.py",
    "tests/test_import_direction.py",
    "tests/test_project.py",
    "tests/test_readme.py",
)
"""Tests that tell within three minutes on two cores whether a change holds."""

SIDE_BY_SIDE = ("-n", "auto", "--dist", "loadfile")
"""As many processes as cores, each file of tests in one of them."""


@nox.session
def fast(session: nox.Session) -> None:
    """Run the tests that take under three minutes on two cores."""
    session.run("python", "-m", "pytest", "-q", "-m", "not slow", *SIDE_BY_SIDE, *FAST, *session.posargs)


@nox.session(name="all")
def everything(session: nox.Session) -> None:
    """Run all tests."""
    session.run("python", "-m", "pytest", *SIDE_BY_SIDE, *session.posargs)


@nox.session
def messages(session: nox.Session) -> None:
    """Run all tests, and fail if an error or a warning of the package is reached by none of them."""
    with tempfile.TemporaryDirectory() as folder:
        raised = str(Path(folder, "raised"))
        session.run("python", "-m", "pytest", *SIDE_BY_SIDE, env={"THM_RAISED": raised})
        session.run("python", "docs/messages.py", "--unreached", raised)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages into docs/_build/html; a warning fails."""
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
