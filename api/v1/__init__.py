"""The service in OpenAI's words, so that OpenAI's clients work unchanged once they are given our base URL.

Only the wire lives here: what a query is worth, and which way it goes, is decided where `/predict` has it decided.
"""
