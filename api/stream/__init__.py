"""Answers that take time: events and bytes that go out while the work goes on, and callers who leave."""
