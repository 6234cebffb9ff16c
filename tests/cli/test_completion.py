"""Shells complete the command: `_THM_COMPLETE` makes it print what a shell reads."""

import subprocess
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete, get_completion_class

from thm_torchmetrics.catalog import CATALOG, SUITES
from thm_torchmetrics.cli import main


def shell(name: str) -> ShellComplete:
    found = get_completion_class(name)
    assert found is not None
    return found(main, {}, "thm", "_THM_COMPLETE")


def completed(*words: str) -> list[str]:
    *before, last = words
    return [each.value for each in shell("zsh").get_completions(before, last)]


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_a_shell_is_given_its_script(name: str) -> None:
    script = shell(name).source()
    assert f"_THM_COMPLETE={name}_complete" in script
    assert "thm" in script


def test_bash_takes_its_script(tmp_path: Path) -> None:
    from click.shell_completion import BashComplete

    file = tmp_path / "complete.sh"
    file.write_text(
        BashComplete(main, {}, "thm", "_THM_COMPLETE").source_template
        % {
            "complete_func": "_thm_completion",
            "complete_var": "_THM_COMPLETE",
            "prog_name": "thm",
        },
        encoding="utf-8",
    )
    done = subprocess.run(["bash", "-c", f". {file} && complete -p thm"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["_thm_completion", "thm"]


def test_commands_and_options_are_completed() -> None:
    assert completed("doc") == ["doctor"]
    assert "--suite" in completed("score", "--su")


def test_suites_and_keys_are_completed() -> None:
    assert completed("score", "--suite", "") == list(SUITES)
    of_lse = [key for key in CATALOG if key.startswith("lse-d")]
    assert completed("info", "lse-d") == of_lse
    assert len(of_lse) > 1
    assert completed("score", "--metrics", "psnr,lse-d") == [f"psnr,{key}" for key in of_lse]
    for command in ("compare", "score"):
        assert completed(command, "--metrics", "") == list(CATALOG)
    assert completed("weights", "fetch", "--suite", "hallo") == ["hallo"]
