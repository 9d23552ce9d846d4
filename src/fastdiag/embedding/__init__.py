"""Embeddings of diagrams into spacetime: one by one, and counted in closed form."""

from .enumeration import BASES, Embedding, check_basis, embedding_counts, embeddings, enumerated_maps
from .maps import maps

__all__ = ["BASES", "Embedding", "check_basis", "embedding_counts", "embeddings", "enumerated_maps", "maps"]
