"""What can go wrong: one class for each kind, each also the built-in that it is like."""


class Error(Exception):
    """Any error of tenrow."""

    # `KeyError` would show the text in quotes.
    def __str__(self) -> str:
        return Exception.__str__(self)


class NotADataset(Error, FileNotFoundError):
    """The location holds no tenrow dataset."""


class NotFound(Error, KeyError):
    """An object, version, attribute, tag or view that was asked for is not there; of a version, perhaps not any more."""


class OutOfRange(Error, IndexError):
    """A row that there is not."""


class AlreadyExists(Error, FileExistsError):
    """Something that must be new is already there."""


class TooNew(Error, NotImplementedError):
    """Written by a newer tenrow."""


class Corrupt(Error, ValueError):
    """Stored bytes are not what they must be."""


class InvalidInput(Error, ValueError):
    """The request breaks a rule; the same request always fails."""


class WrongType(Error, TypeError):
    """A value of another type than its attribute; found and expected are named."""


class Conflict(Error, RuntimeError):
    """Another writer committed a change that cannot be combined with this one."""


class Unsupported(Error, NotImplementedError):
    """Not possible with this store or this version."""


class Denied(Error, PermissionError):
    """Not allowed: the store wants other credentials, or the operating system lets somebody else read or write the file."""


class StoreError(Error, OSError):
    """The store failed: no space, no connection."""


class InDoubt(StoreError):
    """The store failed at the last step of a commit: it may have been made, so look before writing again."""


# Shown, and found by `pickle`, where everybody has them from.
for _class in [value for value in globals().values() if isinstance(value, type)]:
    _class.__module__ = "tenrow"
