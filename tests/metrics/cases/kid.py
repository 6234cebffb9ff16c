"""Cases of KID on given features, with scikit-learn's polynomial kernel."""

import torch
from metrics.cases.case import GIVEN, Case, ClipInputs
from metrics.cases.fid import feature_rows
from sklearn.metrics.pairwise import polynomial_kernel


def kernel_distance(clips: list[ClipInputs]) -> float:
    """The kernel distance of all rows of both sides; gamma of one by the number of features is its default."""
    x, y = (torch.cat([clip[side] for clip in clips]).numpy() for side in ("preds", "target"))
    within = 0.0
    for rows in (x, y):
        kernel = polynomial_kernel(rows, degree=3, coef0=1)
        within += (kernel.sum() - kernel.trace()) / (len(rows) * (len(rows) - 1))
    return float(within - 2 * polynomial_kernel(x, y, degree=3, coef0=1).mean())


CASES = [Case("kid", feature_rows(2), kernel_distance, {**GIVEN, "num_features": 2, "max_samples": 64}, 1e-9)]
