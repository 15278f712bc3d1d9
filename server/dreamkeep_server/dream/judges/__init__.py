"""Who decides on candidates; one module a judge."""
