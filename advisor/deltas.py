"""A trained encoder kept as its difference from the published one: matrices as two thin factors, in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def difference(trained: Mapping[str, Tensor], base: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """Return what turns the base weights into the trained ones.

    Args:
        trained: weights by name; `base` holds the same names and shapes.
        rank: of the factors `NAME.u`, (rows, rank), and `NAME.v`, (rank, columns), that a matrix is stored as.
    """
    import torch

    stored: dict[str, Tensor] = {}
    for name, weights in trained.items():
        delta = weights - base[name]
        if not delta.any():
            continue
        if delta.dim() == 1:
            stored[name] = delta.half()
            continue
        u, s, v = torch.linalg.svd(delta, full_matrices=False)
        root = s[:rank].sqrt()
        stored[f"{name}.u"] = (u[:, :rank] * root).half().contiguous()
        stored[f"{name}.v"] = (root[:, None] * v[:rank]).half().contiguous()
    return stored


def add(base: dict[str, Tensor], stored: Mapping[str, Tensor]) -> None:
    """Turn base weights into trained ones, in place."""
    for name, tensor in stored.items():
        if name.endswith(".u"):
            whole = name.removesuffix(".u")
            base[whole] += tensor.float() @ stored[f"{whole}.v"].float()
        elif not name.endswith(".v"):
            base[name] += tensor.float()
