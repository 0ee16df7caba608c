"""The kernel: domain types, contracts, errors, settings, storage, model clients, encoder, telemetry.

Importing it costs nothing: its modules are imported by name, and none loads torch, FAISS, LangChain or llama.cpp
before a part that needs it is used.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
