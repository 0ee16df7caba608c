"""The kernel: domain types, contracts, errors, settings, storage, model clients, encoder, telemetry.

Importing it is cheap: no torch, FAISS, LangChain or llama.cpp is loaded until a part that needs it is used.
"""

from signalbox import contracts, errors, types

__version__ = "0.1.0"
__all__ = ["__version__", "contracts", "errors", "types"]
