"""The Fréchet distance of weighted samples, by which its gradient is compared."""

import torch
from torch import Tensor


def weighted_distance(x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor, fewer: int = 1) -> Tensor:
    """The distance of weighted samples, by singular values of the centered samples themselves."""
    means, sides = [], []
    for rows, weights in ((x, of_x), (y, of_y)):
        mean = (weights[:, None] * rows).sum(0) / weights.sum()
        means.append(mean)
        sides.append((weights / (weights.sum() - fewer)).sqrt()[:, None] * (rows - mean))
    values = torch.linalg.svdvals(sides[0] @ sides[1].T)
    root = values[values > 1e-6 * values.max()].sum()
    return (means[0] - means[1]).square().sum() + sum(side.square().sum() for side in sides) - 2 * root
