"""Clients of language models, one module each: the cloud, the local LLM, and the scripted one for tests and examples.

Nothing is imported here, so that a process pays only for the client it uses.
"""
