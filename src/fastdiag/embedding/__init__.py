"""Embeddings of diagrams into spacetime: one by one, and counted in closed form."""

from .enumeration import (
    BASES,
    Embedding,
    check_basis,
    embeddings,
    enumerated_embedding_counts,
    enumerated_maps,
)
from .maps import maps

embedding_counts = enumerated_embedding_counts

__all__ = [
    "BASES", "Embedding", "check_basis", "embedding_counts", "embeddings", "enumerated_embedding_counts",
    "enumerated_maps", "maps",
]
