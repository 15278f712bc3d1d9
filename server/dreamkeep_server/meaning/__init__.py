"""What texts mean to an embedder: making their vectors, and finding the texts that are near to a query."""
