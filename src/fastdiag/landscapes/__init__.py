"""Landscapes: what supplies the tensors. Per-point derivatives, dense cumulants, formulas, logistic regression, data."""

from .datasets import breast_cancer, standardised, with_bias
from .distributions import Distribution, finite, normal, uniform
from .estimated import Estimated, estimated
from .landscape import Landscape, SampledLandscape
from .logistic import Logistic, logistic
from .samples import Samples, samples
from .symbolic import Symbolic, symbolic
from .tensors import Tensors, tensors
from .toys import archimedes, gauss, mean_estimation

__all__ = [
    "Distribution", "Estimated", "Landscape", "Logistic", "SampledLandscape", "Samples", "Symbolic", "Tensors",
    "archimedes", "breast_cancer", "estimated", "finite", "gauss", "logistic", "mean_estimation", "normal", "samples",
    "standardised", "symbolic", "tensors", "uniform", "with_bias",
]
