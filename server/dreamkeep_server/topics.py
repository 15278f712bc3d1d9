"""The tree of a memory's topics with how many entries each holds; pure, and the same for every door."""

from collections import Counter
from collections.abc import Mapping


def tree(counts: Mapping[str, int]) -> dict[str, int]:
    """Return every topic, and every path above one, with the entries under it and below it, in order of path.

    `counts` has the entries of each topic itself, under "" those without one; these are left out.
    """
    below: Counter[str] = Counter()
    for topic, entries in counts.items():
        path = topic
        while path:
            below[path] += entries
            path = path.rpartition("/")[0]
    return {path: below[path] for path in sorted(below, key=lambda path: path.split("/"))}


def largest(counts: Mapping[str, int], most: int) -> tuple[dict[str, int], int]:
    """Return the `most` paths of the tree that hold most entries, in order of path, and how many there are beside."""
    paths = tree(counts)
    ranked = sorted(paths, key=lambda path: (-paths[path], path.count("/"), path))[:most]
    return {path: paths[path] for path in paths if path in set(ranked)}, len(paths) - len(ranked)
