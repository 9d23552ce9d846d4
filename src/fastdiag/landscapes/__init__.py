"""Landscapes: what supplies the tensors. Per-point derivatives, dense cumulants, logistic regression."""

from .landscape import Landscape, SampledLandscape
from .logistic import Logistic, logistic
from .samples import Samples, samples
from .tensors import Tensors, tensors

__all__ = ["Landscape", "Logistic", "SampledLandscape", "Samples", "Tensors", "logistic", "samples", "tensors"]
