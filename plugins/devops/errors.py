"""The one way in which a command fails."""


class DevopsError(Exception):
    """A request that cannot be carried out; its text names the thing, the reason and the way out."""


class Interrupted(DevopsError):
    """The program was asked to end; work that had begun is undone on the way out."""


def reason(error):
    """What an OSError says, without the number and the file name that the caller tells better."""
    return error.strerror or str(error)


def check_range(name, value, low, high):
    """Refuse a number outside low..high; an option that was not given is fine."""
    if value is not None and not low <= value <= high:
        raise DevopsError(f"{name} must be from {low} to {high}, not {value}")
