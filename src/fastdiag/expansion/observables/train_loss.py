"""The train loss: the mean of the loss at theta_T over the training set, so the root is tied to a uniformly random row."""

from __future__ import annotations

from dataclasses import replace

from ...values.root import Root, loss_root
from .observable import Observable


def _roots(degree: int, shares: bool) -> tuple[Root, ...]:
    return (replace(loss_root(degree), per_point=shares),)


TRAIN_LOSS = Observable("train_loss", _roots, shares=True)
