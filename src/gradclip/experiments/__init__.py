"""The reference experiments: a network on MNIST, in every framework, with every norm recorded."""

from gradclip.experiments.data import Dataset, load_mnist
from gradclip.experiments.experiment import Experiment
from gradclip.experiments.training import Training

__all__ = ["Dataset", "Experiment", "Training", "load_mnist"]
