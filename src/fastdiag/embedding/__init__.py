"""Embeddings of diagrams into spacetime: one by one, and counted in closed form."""

from .batch import MapCounts, count_maps
from .enumeration import BASES, Embedding, check_basis, embeddings, enumerated_embedding_counts, enumerated_maps
from .formula import maps_formula
from .maps import maps
from .stabilizers import embedding_counts
from .updated import Rule, check_known, updated_maps
from .weighted import weighted_maps

__all__ = [
    "BASES", "Embedding", "MapCounts", "Rule", "check_basis", "check_known", "count_maps", "embedding_counts", "embeddings",
    "enumerated_embedding_counts", "enumerated_maps", "maps", "maps_formula", "updated_maps", "weighted_maps",
]
