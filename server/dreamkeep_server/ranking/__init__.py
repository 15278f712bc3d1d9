"""The order in which entries answer a query: pure sums over all entries at once, nothing read or written."""
