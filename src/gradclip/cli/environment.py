"""Sets what frameworks read from the environment before they are imported."""

import os


def quiet_frameworks() -> None:
    """Silence the frameworks' start-up messages; what the user has set stays.

    Example:
        >>> quiet_frameworks()
        >>> "TF_CPP_MIN_LOG_LEVEL" in os.environ
        True
    """
    settings = {
        "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow: errors only
        "TF_ENABLE_ONEDNN_OPTS": "1",  # its own default, said aloud, needs no notice
        "GLOG_minloglevel": "3",  # XLA's registrations of plugins
        "GRPC_VERBOSITY": "ERROR",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
