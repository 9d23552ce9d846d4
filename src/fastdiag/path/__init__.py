"""The expansion about the noiseless path: expected observables by noise order, in one pass over the updates."""

from .predicted import PathSeries, predicted_about_path

__all__ = ["PathSeries", "predicted_about_path"]
