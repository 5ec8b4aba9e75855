"""Where steps go beside the run: dashboards that you already look at."""

from gradclip.record.sinks.feeding import feed
from gradclip.record.sinks.jsonlines import JsonLines
from gradclip.record.sinks.mlflow import MLflow
from gradclip.record.sinks.prometheus import Prometheus
from gradclip.record.sinks.sink import Sink
from gradclip.record.sinks.tensorboard import TensorBoard
from gradclip.record.sinks.trackio import Trackio
from gradclip.record.sinks.wandb import WandB

__all__ = [
    "JsonLines",
    "MLflow",
    "Prometheus",
    "Sink",
    "TensorBoard",
    "Trackio",
    "WandB",
    "feed",
]
