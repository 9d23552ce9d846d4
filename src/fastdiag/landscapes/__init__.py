"""Landscapes: what supplies the tensors. Per-point derivatives, dense cumulants, formulas, regressions, data."""

from .autodiff import Autodiff, autodiff
from .convolutional import Convolutional, convolutional
from .datasets import breast_cancer, digits, standardised, with_bias
from .directional import Directional, directional
from .distributions import Distribution, finite, normal, uniform
from .estimated import Estimated, estimated
from .field import Field, SymbolicField, field, symbolic_field
from .landscape import Landscape
from .least_squares import LeastSquares, least_squares
from .linear_model import LinearModel
from .logistic import Logistic, logistic
from .sampled import SampledLandscape
from .samples import Samples, samples
from .softmax import Softmax, softmax
from .symbolic import Symbolic, symbolic
from .tensors import Tensors, tensors
from .toys import archimedes, gauss, mean_estimation

__all__ = [
    "Autodiff", "Convolutional", "Directional", "Distribution", "Estimated", "Field", "Landscape", "LeastSquares",
    "LinearModel", "Logistic", "SampledLandscape", "Samples", "Softmax", "Symbolic", "SymbolicField", "Tensors",
    "archimedes", "autodiff", "breast_cancer", "convolutional", "digits", "directional", "estimated", "field", "finite",
    "gauss", "least_squares", "logistic", "mean_estimation", "normal", "samples", "softmax", "standardised", "symbolic",
    "symbolic_field", "tensors", "uniform", "with_bias",
]
