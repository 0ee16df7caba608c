"""Which predictions a caller may see: a service its own, people all."""

from __future__ import annotations

from api.auth.identity import Identity
from signalbox.errors import NotFound
from signalbox.types import Prediction


def check_visible(prediction: Prediction, identity: Identity) -> None:
    """Raises NotFound, as for a prediction that is not there, where it is another caller's business."""
    if identity.role == "service" and prediction.caller != identity.key_id:
        raise NotFound(f"There is no prediction {prediction.id!r}.", field="id")
