"""Limits: how large is too large."""

from gradclip.core.policies.limits.constant import Constant, Ratio
from gradclip.core.policies.limits.limit import Limit
from gradclip.core.policies.limits.percentile import Percentile
from gradclip.core.policies.limits.running_mean import RunningMean
from gradclip.core.policies.limits.schedule import Schedule
from gradclip.core.policies.limits.second_moment import SecondMoment
from gradclip.core.policies.limits.zscore import ZScore

__all__ = [
    "Constant",
    "Limit",
    "Percentile",
    "Ratio",
    "RunningMean",
    "Schedule",
    "SecondMoment",
    "ZScore",
]
