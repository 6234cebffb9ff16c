"""Named sums: views of one vector, in place."""

import pytest
import torch

from thm_torchmetrics.core.sums import Layout, Sums

FIELDS = {"total": 3, "weight": 1, "square": (2, 2), "row": (1,)}


def made() -> Sums:
    layout = Layout(FIELDS)
    return Sums(torch.zeros(layout.size, dtype=torch.float64), layout)


def test_the_layout_is_the_fields_one_after_the_other() -> None:
    assert Layout(FIELDS).size == 3 + 1 + 4 + 1
    assert Layout({}).size == 0
    assert Layout({"empty": (0, 3), "one": 1}).size == 1


def test_every_sum_is_a_view_of_the_vector_in_its_shape() -> None:
    sums = made()
    assert {name: tuple(getattr(sums, name).shape) for name in FIELDS} == {
        "total": (3,), "weight": (), "square": (2, 2), "row": (1,),
    }  # fmt: skip
    sums.vector += torch.arange(9.0)
    assert sums.total.tolist() == [0, 1, 2]
    assert sums.weight.item() == 3
    assert sums.square.tolist() == [[4, 5], [6, 7]]
    assert sums.row.tolist() == [8]


def test_every_way_of_writing_changes_the_vector_in_place() -> None:
    sums = made()
    vector = sums.vector
    sums.total += torch.tensor([1.0, 2.0, 3.0])
    sums.weight += 2
    sums.weight = sums.weight * 5
    sums.square = torch.eye(2)
    sums.square[0, 1] = 7
    sums.row = 4
    sums.total.add_(1)
    assert sums.vector is vector
    assert vector.tolist() == [2, 3, 4, 10, 1, 7, 0, 1, 4]


def test_an_assigned_tensor_is_copied() -> None:
    sums, row = made(), torch.ones(3, dtype=torch.float64)
    sums.total = row
    row += 5
    assert sums.total.tolist() == [1, 1, 1]


def test_a_sum_may_be_set_to_another_sum() -> None:
    sums = made()
    sums.weight = 3
    sums.row = sums.weight
    sums.weight = 4
    assert (sums.weight.item(), sums.row.item()) == (4, 3)


def test_a_sum_may_be_set_to_a_part_of_itself() -> None:
    sums = made()
    sums.total = torch.tensor([1.0, 2.0, 3.0])
    sums.total = sums.total[0]
    sums.square = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    sums.square = sums.square.T
    assert sums.total.tolist() == [1, 1, 1]
    assert sums.square.tolist() == [[1, 3], [2, 4]]


def test_unknown_names_are_told_the_known_ones() -> None:
    sums = made()
    with pytest.raises(AttributeError, match="no sum called 'totl'; there are total, weight, square, row"):
        _ = sums.totl
    with pytest.raises(AttributeError, match="'extra'"):
        sums.extra = 1


def test_a_value_of_another_shape_is_refused() -> None:
    with pytest.raises(RuntimeError):
        made().total = torch.ones(4)


def test_they_show_their_names() -> None:
    assert repr(made()) == "Sums(total=[0.0, 0.0, 0.0], weight=0.0, square=[[0.0, 0.0], [0.0, 0.0]], row=[0.0])"
