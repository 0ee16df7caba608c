"""Training experts for text: from labelled rows to a calibrated, measured, stored version."""

from classifiers.training.request import TrainRequest, read_request, train_text
from classifiers.training.train import Material, TrainOptions, train

__all__ = ["Material", "TrainOptions", "TrainRequest", "read_request", "train", "train_text"]
