"""Texts as vectors: the embedders among which a setting chooses. Nothing here knows the store."""
