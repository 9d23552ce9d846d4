"""Embeddings of diagrams into spacetime: one by one, and counted in closed form."""

from .batch import MapCounts, count_maps
from .counting import maps
from .embeddings import BASES, Embedding, check_basis, embeddings, enumerated_embedding_counts, enumerated_maps
from .formula import maps_formula
from .rules import PathRule, Rule, check_rule, maps_under
from .stabilizers import embedding_counts
from .weighted import weighted_maps

__all__ = [
    "BASES", "Embedding", "MapCounts", "PathRule", "Rule", "check_basis", "check_rule", "count_maps", "embedding_counts",
    "embeddings", "enumerated_embedding_counts", "enumerated_maps", "maps", "maps_formula", "maps_under", "weighted_maps",
]
