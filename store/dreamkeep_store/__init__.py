"""The versioned store: only this package speaks SQL."""
