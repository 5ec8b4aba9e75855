"""Public conformance: checks that what a user writes for gradclip keeps gradclip's promises."""

from gradclip.testing.policies import Conformance, check_policy

__all__ = ["Conformance", "check_policy"]
