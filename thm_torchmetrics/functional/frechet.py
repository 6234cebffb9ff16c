"""The Fréchet distance between two sets of features, exact for any number of samples."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape, finite_or_nan, to_float64

_PIQ_STEPS, _PIQ_ERROR, _PIQ_OFFSET = 100, 1e-5, 1e-6
"""Steps of piq's iteration, the error at which it stops, and the offset where it does not converge."""


def frechet_sums(features: Tensor) -> Tensor:
    """Compute the sums that `frechet_distance` reads: of ``(1, x) (1, x)^T`` over the rows x.

    Entry ``[0, 0]`` is the number of rows, ``[0, 1:]`` their sum, ``[1:, 1:]`` the sum of ``x x^T``. Such matrices of
    parts add up to that of the whole. Rows that hold NaN or infinity (frames without a face) are left out.

    Args:
        features: ``(N, D)``, any float dtype; N may be 0.

    Returns:
        ``(D + 1, D + 1)`` float64, on the device of the features (on the CPU for MPS, which has no float64).

    Raises:
        InputError: the features have not two axes.

    Example:
        >>> frechet_sums(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[ 2.,  4.,  6.],
                [ 4., 10., 14.],
                [ 6., 14., 20.]], dtype=torch.float64)
    """
    check_shape("features", features, ("N", "D"), "samples")
    rows = to_float64(finite_or_nan(features))
    whole = ~rows.isnan().any(dim=1, keepdim=True)  # as a mask, since leaving rows out would wait for the device
    rows = torch.cat([whole.to(torch.float64), torch.where(whole, rows, 0.0)], dim=1)
    return rows.T @ rows


def frechet_distance(sums_x: Tensor, sums_y: Tensor, *, unbiased: bool = True, offset: float = 0.0) -> Tensor:
    """Compute the Fréchet distance of the normal distributions fitted to two sets of features.

    ``|mu_x - mu_y|^2 + tr(S_x) + tr(S_y) - 2 tr((S_x S_y)^(1/2))`` with covariances over ``n - 1`` or ``n``. With any
    ``S_x = A A^T`` the last trace is the sum of the roots of the eigenvalues of ``A^T S_y A``, which is symmetric, has
    no more rows than ``S_x`` has rank, and has no negative eigenvalues but for rounding, which are cut at 0. Singular
    covariances (fewer samples than features) therefore need no offset on the diagonal.

    Args:
        sums_x: ``(D + 1, D + 1)``, made by `frechet_sums`, or several of these added up.
        sums_y: the same of the other set; the numbers of samples may differ.
        unbiased: whether covariances are sums over ``n - 1``, else over ``n``.
        offset: added to the diagonals of both covariances.

    Returns:
        0-d float64, >= 0; NaN where a set has fewer than two samples, since it then has no covariance.

    Raises:
        InputError: the matrices are not square, or differ in size.

    Source: Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017 (the statistics of its FID).

    Example:
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(frechet_distance(frechet_sums(x), frechet_sums(x + 3.0)).item(), 6)
        18.0
    """
    counts, means, covariances = _both_moments(sums_x, sums_y)
    if min(counts) < 2:
        return torch.full_like(means[0].sum(), torch.nan)
    counts, covariances = _by_convention(counts, covariances, unbiased, offset)
    root = _root_trace(counts, covariances)
    return _distance(means, [covariance.trace() for covariance in covariances], root)


def frechet_gradient(
    sums_x: Tensor, sums_y: Tensor, *, unbiased: bool = True, offset: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Compute the gradient of `frechet_distance` with respect to the sums of both sides.

    To first order, samples with sums ``d`` that are added to the first side change the distance by ``(g_x * d).sum()``.
    With ``S_x = A A^T`` and ``A^T S_y A = U diag(l) U^T`` the trace of the root has the gradient
    ``A U diag(l^(-1/2)) U^T A^T / 2`` with respect to ``S_y``, over the eigenvalues above rounding; that with respect
    to ``S_x`` is the same with the sides exchanged. Where a covariance is singular, the gradient holds for samples
    in the span of those that were summed, such as these with other weights.

    Args:
        sums_x: ``(D + 1, D + 1)``, made by `frechet_sums`, or several of these added up.
        sums_y: the same of the other set.
        unbiased: as in `frechet_distance`.
        offset: as in `frechet_distance`.

    Returns:
        Two ``(D + 1, D + 1)`` float64; NaN where a set has fewer than two samples.

    Raises:
        InputError: the matrices are not square, or differ in size.

    Example:
        >>> x = frechet_sums(torch.tensor([[0.0], [2.0], [4.0]]))
        >>> gradient, _ = frechet_gradient(x, frechet_sums(torch.tensor([[3.0], [5.0], [7.0]])))
        >>> round((gradient * frechet_sums(torch.tensor([[5.0]]))).sum().item(), 6)  # 5 moves the mean by (5 - 2) / 3
        -6.0
    """
    counts, means, covariances = _both_moments(sums_x, sums_y)
    if min(counts) < 2:
        return torch.full_like(to_float64(sums_x), torch.nan), torch.full_like(to_float64(sums_y), torch.nan)
    gradients = []
    ranks, whole = _by_convention(counts, covariances, unbiased, offset)
    for side, other in ((0, 1), (1, 0)):
        count, mean, divisor = counts[side], means[side], counts[side] - unbiased
        root = _root_gradient(_factor(ranks[other], whole[other]), whole[side])
        of_covariance = torch.eye(len(mean)).to(mean) - 2 * root
        of_mean = 2 * (mean - means[other])
        share, turned = of_covariance / divisor, of_covariance @ mean / divisor
        moments = covariances[side] * ((count - 1) / divisor)
        gradient = torch.empty_like(to_float64(sums_x))
        gradient[0, 0] = turned @ mean - (share * moments).sum() - of_mean @ mean / count
        gradient[0, 1:] = gradient[1:, 0] = of_mean / (2 * count) - turned
        gradient[1:, 1:] = share
        gradients.append(gradient)
    return gradients[0], gradients[1]


def frechet_distance_newton_schulz(sums_x: Tensor, sums_y: Tensor) -> Tensor:
    """Compute the Fréchet distance as the package ``piq`` does, for comparison with numbers that were made by it.

    The formula is that of `frechet_distance`, with the root of the product by the iteration of Newton and Schulz,
    ``Y <- Y T, Z <- T Z, T = (3 I - Z Y) / 2`` from ``Y = S_x S_y / |S_x S_y|`` and ``Z = I``: at most 100 steps, and
    fewer where ``|S_x S_y - Y^2| / |S_x S_y|`` falls to 1e-5. The product of covariances of few samples is singular;
    the iteration then stops early, and the distance comes out up to 40 percent larger than it is.

    Args:
        sums_x: as in `frechet_distance`.
        sums_y: as in `frechet_distance`.

    Returns:
        0-d float64; NaN where a set has fewer than two samples.

    Raises:
        InputError: the matrices are not square, or differ in size.

    Source: https://github.com/photosynthesis-team/piq, ``fid.py``, used by the ViCo baseline and TalkingHeadMetrics.

    Example:
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(frechet_distance_newton_schulz(frechet_sums(x), frechet_sums(x + 3.0)).item(), 3)
        18.0
    """
    counts, means, (first, second) = _both_moments(sums_x, sums_y)
    if min(counts) < 2:
        return torch.full_like(means[0].sum(), torch.nan)
    root = _newton_schulz(first @ second)
    if not root.isfinite().all():
        offset = _PIQ_OFFSET * torch.eye(len(first), dtype=first.dtype, device=first.device)
        root = _newton_schulz((first + offset) @ (second + offset))
    distance: Tensor = (means[0] - means[1]).square().sum() + first.trace() + second.trace() - 2 * root.trace()
    return distance


def _newton_schulz(matrix: Tensor) -> Tensor:
    """Return the root of a matrix as far as the iteration brings it."""
    norm = matrix.norm()
    unit = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    root, inverse = matrix / norm, unit
    for _ in range(_PIQ_STEPS):
        step = (3 * unit - inverse @ root) / 2
        root, inverse = root @ step, step @ inverse
        error = (matrix - norm * (root @ root)).norm() / norm
        if float(error) <= _PIQ_ERROR:
            break
    scaled: Tensor = root * norm.sqrt()
    return scaled


def frechet_from_features(x: Tensor, y: Tensor) -> Tensor:
    """Compute the Fréchet distance of two whole sets of features, without sums over parts.

    With fewer samples than features on both sides no covariance is built: for centered rows ``X`` and ``Y`` the trace
    of the root is the sum of the singular values of ``X Y^T / sqrt((n_x - 1) (n_y - 1))``.

    Args:
        x: ``(N, D)``; rows that hold NaN or infinity are left out.
        y: ``(M, D)``, likewise.

    Returns:
        0-d float64, >= 0; NaN where a set has fewer than two rows.

    Raises:
        InputError: a side has not two axes, or the numbers of features differ.

    Example:
        >>> x = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        >>> frechet_from_features(x, x.roll(1, dims=1))
        tensor(6., dtype=torch.float64)
    """
    check_shape("x", x, ("N", "D"), "features")
    check_shape("y", y, ("M", "D"), "features")
    if x.shape[1] != y.shape[1]:
        raise InputError(f"`x` and `y` must have equally many features, got {tuple(x.shape)} and {tuple(y.shape)}")
    sides = [rows[~rows.isnan().any(dim=1)] for rows in (to_float64(finite_or_nan(side)) for side in (x, y))]
    counts = [len(side) for side in sides]
    if min(counts) < 2:
        return torch.full((), torch.nan, dtype=torch.float64, device=sides[0].device)
    means = [side.mean(dim=0) for side in sides]
    centered = [(side - mean) / (len(side) - 1) ** 0.5 for side, mean in zip(sides, means, strict=True)]
    if max(counts) <= x.shape[1]:
        root = torch.linalg.svdvals(centered[0] @ centered[1].T).sum()
    else:
        root = _root_trace(counts, [side.T @ side for side in centered])
    return _distance(means, [side.square().sum() for side in centered], root)


def _both_moments(sums_x: Tensor, sums_y: Tensor) -> tuple[list[int], list[Tensor], list[Tensor]]:
    """Return numbers of samples, means and covariances of both sides.

    Raises:
        InputError: the matrices are not square, or differ in size.
    """
    if sums_x.shape != sums_y.shape or sums_x.dim() != 2 or sums_x.shape[0] != sums_x.shape[1]:
        raise InputError(
            "`sums_x` and `sums_y` must be two (D + 1, D + 1) matrices, "
            f"got {tuple(sums_x.shape)} and {tuple(sums_y.shape)}"
        )
    sides = [_moments(sums) for sums in (sums_x, sums_y)]
    return [side[0] for side in sides], [side[1] for side in sides], [side[2] for side in sides]


def _by_convention(
    counts: list[int], covariances: list[Tensor], unbiased: bool, offset: float
) -> tuple[list[int], list[Tensor]]:
    """Return bounds of the ranks, plus one, and the covariances that are compared."""
    if not unbiased:
        covariances = [each * ((count - 1) / count) for count, each in zip(counts, covariances, strict=True)]
    if offset:
        covariances = [each + offset * torch.eye(len(each)).to(each) for each in covariances]
        counts = [max(count, len(each) + 1) for count, each in zip(counts, covariances, strict=True)]  # of full rank
    return counts, covariances


def _moments(sums: Tensor) -> tuple[int, Tensor, Tensor]:
    """Return the number of samples, their mean and their unbiased covariance."""
    sums = to_float64(sums)
    count = int(sums[0, 0])
    mean = sums[0, 1:] / max(count, 1)
    covariance = (sums[1:, 1:] - torch.outer(mean, sums[0, 1:])) / max(count - 1, 1)
    return count, mean, (covariance + covariance.T) / 2


def _distance(means: list[Tensor], traces: list[Tensor], root: Tensor) -> Tensor:
    return ((means[0] - means[1]).square().sum() + traces[0] + traces[1] - 2 * root).clamp(min=0.0)


def _root_trace(counts: list[int], covariances: list[Tensor]) -> Tensor:
    """Compute the trace of the root of the product, by a factor of the covariance that is easier to factorise."""
    low, high = (0, 1) if counts[0] <= counts[1] else (1, 0)
    if counts[low] > len(covariances[low]):
        for side, other in ((low, high), (high, low)):
            factor = _cholesky(covariances[side])
            if factor is not None:
                return _nuclear_norm(factor, covariances[other])
    return _nuclear_norm(_pivoted_cholesky(covariances[low], counts[low] - 1), covariances[high])


def _factor(count: int, covariance: Tensor) -> Tensor:
    """Return a factor of a covariance, with as many columns as this has rank."""
    factor = _cholesky(covariance) if count > len(covariance) else None
    return _pivoted_cholesky(covariance, count - 1) if factor is None else factor


def _root_gradient(factor: Tensor, covariance: Tensor) -> Tensor:
    """Compute the gradient of the trace of the root with respect to a covariance, by a factor of the other one."""
    eigenvalues, vectors = torch.linalg.eigh(factor.T @ covariance @ factor)
    kept = eigenvalues > len(covariance) * torch.finfo(torch.float64).eps * eigenvalues[-1:]  # the largest, if any
    turned: Tensor = factor @ vectors[:, kept] * eigenvalues[kept].pow(-0.25)
    return turned @ turned.T / 2


def _nuclear_norm(factor: Tensor, covariance: Tensor) -> Tensor:
    eigenvalues: Tensor = torch.linalg.eigvalsh(factor.T @ covariance @ factor)
    return eigenvalues.clamp(min=0.0).sqrt().sum()


def _tolerance(covariance: Tensor) -> float:
    """Return the pivot below which all is rounding noise, whose root would add more than rounding to the trace."""
    return len(covariance) * torch.finfo(torch.float64).eps * float(covariance.diagonal().max())


def _cholesky(covariance: Tensor) -> Tensor | None:
    """Return the triangular factor, or None where the covariance is singular to working precision."""
    factor, info = torch.linalg.cholesky_ex(covariance)
    regular = (info == 0) & (factor.diagonal().square().min() > _tolerance(covariance))
    return factor if bool(regular) else None


def _pivoted_cholesky(covariance: Tensor, rank: int) -> Tensor:
    """Return a ``(D, r)`` factor of a covariance of rank ``r``, at most ``rank``; torch has no such routine."""
    from scipy.linalg import lapack  # not above: scipy is slow to import and few calls need it

    lower, order, found, _ = lapack.dpstrf(covariance.cpu().numpy(), tol=_tolerance(covariance), lower=1)
    rank = min(rank, int(found))
    factor = covariance.new_empty(len(covariance), rank)
    factor[torch.from_numpy(order).to(factor.device, torch.int64) - 1] = (
        torch.from_numpy(lower).tril()[:, :rank].to(factor.device)
    )
    return factor
