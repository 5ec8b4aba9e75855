"""How a run ended, by what ended it."""

from gradclip.record.schema import Json, Status


def ending(error: BaseException | None) -> tuple[Status, dict[str, Json] | None]:
    """Return the status of a run, and what to keep of the error.

    Args:
        error: The exception that ended training; None if there was none.

    Example:
        >>> ending(None), ending(KeyboardInterrupt())
        (('finished', None), ('interrupted', None))
        >>> ending(ZeroDivisionError("by hand"))
        ('failed', {'error': 'ZeroDivisionError: by hand'})
        >>> ending(SystemExit(0)), ending(SystemExit(3))
        (('finished', None), ('failed', {'error': 'SystemExit: 3'}))
    """
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "finished", None
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return "interrupted", None
    return "failed", {"error": f"{type(error).__name__}: {error}"}
