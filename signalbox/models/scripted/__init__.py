"""A model that says what it is told to, in process and as an HTTP server: for tests, offline examples, fault drills.

It is shipped product code. The same script drives both: a fixed string, a queue of replies, or a function.
"""

from signalbox.models.scripted.model import ScriptedModel
from signalbox.models.scripted.script import Fault, FaultKind, Replies, Reply
from signalbox.models.scripted.server import ScriptedServer

__all__ = ["Fault", "FaultKind", "Replies", "Reply", "ScriptedModel", "ScriptedServer"]
