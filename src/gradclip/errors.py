"""Every exception that gradclip raises."""


class GradclipError(Exception):
    """Catch everything that gradclip raises on purpose."""


class ConfigurationError(GradclipError, ValueError):
    """Refuse an argument whose value breaks a rule."""


class GradientTypeError(GradclipError, TypeError):
    """Refuse something that is not a gradient: integers, text, a bare tensor for a list."""


class NonFiniteGradientError(GradclipError, FloatingPointError, RuntimeError):
    """Report gradients with NaN or infinite entries where the caller asked to hear of them.

    Also a `RuntimeError`, which PyTorch's `error_if_nonfinite` raises.
    """


class MissingFrameworkError(GradclipError, ImportError):
    """Name the extra to install for a framework that is not there."""


class DataError(GradclipError, OSError):
    """Report a data file that is missing, truncated, foreign or wrong."""


class RunError(GradclipError, OSError):
    """Report a run directory that cannot be written or read."""


class ConformanceError(GradclipError, AssertionError):
    """Report that something a user wrote for gradclip breaks gradclip's promises."""
