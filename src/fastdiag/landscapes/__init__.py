"""Landscapes: what supplies the tensors. Per-point derivatives, dense cumulants, logistic regression, real data."""

from .datasets import breast_cancer, standardised, with_bias
from .estimated import Estimated, estimated
from .landscape import Landscape, SampledLandscape
from .logistic import Logistic, logistic
from .samples import Samples, samples
from .tensors import Tensors, tensors

__all__ = [
    "Estimated", "Landscape", "Logistic", "SampledLandscape", "Samples", "Tensors",
    "breast_cancer", "estimated", "logistic", "samples", "standardised", "tensors", "with_bias",
]
