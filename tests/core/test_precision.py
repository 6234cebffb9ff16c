"""Exact arithmetic: the switches of the process and of the thread, as they were before."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from thm_torchmetrics.core import precision
from thm_torchmetrics.core.precision import exact_arithmetic

CPU = torch.device("cpu")


def switches() -> dict[tuple[int, str], Any]:
    return {(index, name): getattr(backend, name) for index, (backend, name, _) in enumerate(precision._switches())}


def of_thread() -> tuple[bool, bool]:
    return torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")


@pytest.fixture
def reduced() -> Iterator[dict[tuple[int, str], Any]]:
    """Reduced-precision float32 switched on, as a user's training has it."""
    before = {(backend, name): getattr(backend, name) for backend, name, _ in precision._switches()}
    for backend, name, exact in precision._switches():
        setattr(backend, name, "bf16" if exact == "ieee" else True)
    yield switches()
    for (backend, name), value in before.items():
        setattr(backend, name, value)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("autocast", [True, False])
def test_everything_is_exact_inside_and_as_before_outside(
    reduced: dict[tuple[int, str], Any], grad: bool, autocast: bool
) -> None:
    exact = {(index, name): value for index, (_, name, value) in enumerate(precision._switches())}
    assert reduced
    with torch.set_grad_enabled(grad), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        with exact_arithmetic(CPU):
            assert switches() == exact
            assert of_thread() == (False, False)
            with exact_arithmetic(CPU):
                assert of_thread() == (False, False)
            assert switches() == exact
            assert of_thread() == (False, False)
        assert switches() == reduced
        assert of_thread() == (grad, autocast)


def test_an_error_inside_puts_everything_back(reduced: dict[tuple[int, str], Any]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(ZeroDivisionError), exact_arithmetic(CPU):
            1 / 0  # noqa: B018
        assert of_thread() == (True, True)
        a = torch.ones(2, 2)
        assert (a @ a).dtype == torch.bfloat16
    assert switches() == reduced


def test_a_product_inside_autocast_has_every_bit() -> None:
    a = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16), exact_arithmetic(CPU):
        product = a @ a
    torch.testing.assert_close(product.double(), a.double() @ a.double(), rtol=1e-4, atol=1e-5)


def test_two_threads_that_overlap_leave_the_switches_as_they_were(reduced: dict[tuple[int, str], Any]) -> None:
    """The first to enter leaves first: the second must stay exact, and the last one puts back what the first found."""
    entered, left = threading.Event(), threading.Event()
    exact = {(index, name): value for index, (_, name, value) in enumerate(precision._switches())}
    seen: list[Any] = []

    def second() -> None:
        torch.set_grad_enabled(True)
        with torch.autocast("cpu", torch.bfloat16):
            with exact_arithmetic(CPU):
                entered.set()
                left.wait(10)
                seen.extend([switches(), of_thread()])
            seen.append(of_thread())

    thread = threading.Thread(target=second)
    with exact_arithmetic(CPU):
        thread.start()
        assert entered.wait(10)
    first_outside = switches()
    assert torch.is_grad_enabled()
    left.set()
    thread.join(10)
    assert seen == [exact, (False, False), (True, True)]
    assert first_outside == exact  # one is still inside
    assert switches() == reduced


@pytest.mark.parametrize("workers", [8])
def test_many_threads_in_any_order_leave_the_switches_as_they_were(
    reduced: dict[tuple[int, str], Any], workers: int
) -> None:
    exact = {(index, name): value for index, (_, name, value) in enumerate(precision._switches())}
    wrong: list[Any] = []
    start = threading.Barrier(workers)

    def work(number: int) -> None:
        start.wait(10)
        for step in range(50):
            grad = bool((number + step) % 2)
            with torch.set_grad_enabled(grad):
                with exact_arithmetic(CPU):
                    if switches() != exact or torch.is_grad_enabled():
                        wrong.append((number, step))
                if torch.is_grad_enabled() != grad:
                    wrong.append((number, step, "grad"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert switches() == reduced
    assert precision._inside == 0


def test_what_a_user_sets_while_none_is_inside_is_kept(reduced: dict[tuple[int, str], Any]) -> None:
    with exact_arithmetic(CPU):
        pass
    for backend, name, exact in precision._switches():
        setattr(backend, name, exact)
    chosen = switches()
    with exact_arithmetic(CPU):
        pass
    assert switches() == chosen != reduced
