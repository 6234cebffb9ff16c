"""Nothing in the package holds on Linux alone: Windows and macOS lack some of Python's names."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import thm_torchmetrics

PACKAGE = Path(thm_torchmetrics.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

MODULES = {"crypt", "fcntl", "grp", "posix", "posixpath", "pty", "pwd", "resource", "termios", "tty"}
"""Modules that Windows lacks, and the one that splits names as Linux alone does."""

NAMES = {
    "os": {
        "chown", "eventfd", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "kill", "killpg",
        "lchown", "major", "memfd_create", "minor", "mkfifo", "mknod", "nice", "O_CLOEXEC", "O_DIRECTORY",
        "O_NOFOLLOW", "O_NONBLOCK", "openpty", "posix_fadvise", "posix_spawn", "pread", "pwrite", "sched_getaffinity",
        "sched_setaffinity", "sendfile", "setpriority", "setsid", "statvfs", "sync", "sysconf", "uname", "wait",
        "waitpid",
    },
    "signal": {
        "alarm", "pause", "pthread_sigmask", "setitimer", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE",
        "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2", "sigwait",
    },
    "time": {"tzset"},
}  # fmt: skip
"""Names that Windows or macOS lack, or that do something else there, by their module."""


def linux_alone(text: str) -> Iterator[str]:
    """Yield what a module uses that other systems lack, unless it asks before whether it is there.

    ``hasattr(os, NAME)`` covers the statements below it, those of its ``else`` not; ``getattr`` names it as a text.
    """
    tree = ast.parse(text)
    covered: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).startswith("hasattr("):
            covered |= {each for statement in node.body for each in ast.walk(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = NAMES.get(str(node.module), set())
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in names)
            if str(node.module).partition(".")[0] in MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Attribute) and node not in covered and ast.unparse(node.value) in NAMES:
            yield from [ast.unparse(node)] if node.attr in NAMES[ast.unparse(node.value)] else []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import fcntl", ["fcntl"]),
        ("from os import fork, sep", ["os.fork"]),
        ("os.killpg(1, signal.SIGKILL)", ["os.killpg", "signal.SIGKILL"]),
        ("if hasattr(os, 'killpg'):\n    os.killpg(1, signal.SIGKILL)\nelse:\n    os.fork()", ["os.fork"]),
        ("os.getpid()", []),
    ],
)
def test_what_other_systems_lack_is_found(text: str, found: list[str]) -> None:
    assert sorted(linux_alone(text)) == found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_uses_nothing_that_other_systems_lack(path: Path) -> None:
    assert list(linux_alone(path.read_text(encoding="utf-8"))) == []


def test_programs_are_started_without_a_shell() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert "shell=True" not in text
    assert "os.system(" not in text
    assert "os.popen(" not in text
