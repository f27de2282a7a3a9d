"""The loop that trains reader and retriever: AdamW, with a rate that rises for a tenth of the steps and then falls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WEIGHT_DECAY = 0.01
CLIP = 1.0  # norm of the gradient
EVERY = 50  # steps between two lines of progress


def descend(groups: list[dict[str, Any]], loss_of_batch: Callable[[], Tensor], steps: int, label: str) -> None:
    """Train in place.

    Args:
        groups: parameters and learning rates, as the optimiser takes them.
        loss_of_batch: draws a batch and returns its loss.
        label: what the lines of progress begin with.
    """
    optimiser = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm))
    )
    parameters = [parameter for group in groups for parameter in group["params"]]
    started, total = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        loss = loss_of_batch()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
        schedule.step()
        total += loss.item()
        if step % EVERY == 0:
            print(f"{label}, step {step}: loss {total / EVERY:.3f}, {time.monotonic() - started:.0f} s", flush=True)
            total = 0.0
