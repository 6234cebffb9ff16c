"""Files of one clip, in the order of their numbers."""

from pathlib import Path

import pytest

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.numbered_files import in_order, numbered


def test_which_names_are_a_series() -> None:
    def series(*names: str) -> list[int] | None:
        found = numbered([Path(name) for name in names])
        return None if found is None else sorted(found[0].values())

    assert series("a1.png", "a2.png") == [1, 2]
    assert series("s1_f1.png", "s1_f2.png") == [1, 2]
    assert series("s1_f1.png", "s2_f2.png") is None
    assert series("ann.png", "bob.png") is None
    assert series("ann1.png", "bob2.png") is None
    assert series("ann.png", "bob.png", "eve3.png") is None
    assert series("1.png", "2.png", "3.png", "cover.png") == [1, 2, 3]


def test_the_kind_of_file_is_named() -> None:
    files = [Path(name) for name in ("1.obj", "2.obj", "10.obj")]
    with pytest.raises(MediaError, match=r"mesh files are missing between 2\.obj and 10\.obj"):
        in_order(Path("clip"), files, "mesh file")
    with pytest.raises(MediaError, match=r"clip: holds mesh files without an order .* such as 0001\.obj"):
        in_order(Path("clip"), [Path("a.obj"), Path("b.obj")], "mesh file")
