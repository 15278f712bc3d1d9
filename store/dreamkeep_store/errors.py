"""What can go wrong, for whoever reads it: often a model, so each message says what to do next.

StoreError          code
├── NotFoundError   not_found    the id names nothing
├── ConflictError   conflict     it exists, but not in the state that the call needs
├── InvalidError    invalid      the call makes no sense
└── UnavailableError unavailable disk full, damaged or locked database, newer schema
"""

from typing import ClassVar


class StoreError(Exception):
    """A refusal in one sentence: what was asked, what there is, what to do."""

    code: ClassVar[str]


class NotFoundError(StoreError):
    """The id names nothing in this database, or nothing that the caller may see."""

    code = "not_found"


class ConflictError(StoreError):
    """The thing exists, but not in the state that the call needs."""

    code = "conflict"


class InvalidError(StoreError):
    """The call makes no sense as it stands, whatever the database holds."""

    code = "invalid"


class UnavailableError(StoreError):
    """The database cannot serve now: full disk, damage, a lock held too long, a newer schema."""

    code = "unavailable"
