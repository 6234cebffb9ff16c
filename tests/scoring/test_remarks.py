"""Warnings on the files of a clip become its remarks; others go on."""

import warnings

import pytest

from thm_torchmetrics.errors import MediaWarning
from thm_torchmetrics.scoring.remarks import remarks


def test_each_remark_is_kept_once_whatever_the_filters() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with remarks() as notes:
            for text in ("late", "late", "variable"):
                warnings.warn(text, MediaWarning, stacklevel=1)
    assert notes == ["late", "variable"]


def test_remarks_of_a_block_that_breaks_do_not_stay_in_the_next() -> None:
    def break_off() -> None:
        warnings.warn("first", MediaWarning, stacklevel=1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), remarks():
        break_off()
    with remarks() as notes:
        pass
    assert notes == []


def test_other_warnings_go_on() -> None:
    with pytest.warns(DeprecationWarning, match="old"), remarks() as notes:
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert notes == []
