"""YAML as plain data: no code, no name twice in a mapping, and nothing that a few lines unfold to gigabytes of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from eval_sets.files import decoded, read_bytes
from signalbox.errors import InvalidInput, TooLarge

MAX_NODES = 500_000
MAX_DEPTH = 100


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, limit: int) -> Any:
    """The data of a file of at most `limit` bytes; None where it is empty.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names file and line.
    """
    text = decoded(read_bytes(path, limit), path)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _unfolded(node, {}, 0) > MAX_NODES:
            raise TooLarge(
                f"{path}: its aliases unfold to more than {MAX_NODES:,} values: write out what is needed.", field="file"
            )
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidInput(f"{where}: not plain YAML: {said}.", field="file") from None
    except (RecursionError, ValueError) as error:  # nested too deeply; a date that does not exist
        raise InvalidInput(f"{path}: not plain YAML: {error}.", field="file") from None


def _unfolded(node: Any, known: dict[int, int], depth: int) -> int:
    """How many values a node stands for, aliases written out. `known` holds those of nodes seen, 0 while within one."""
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("an alias stands within what it names: remove it")
        return known[id(node)]
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep: flatten it")
    known[id(node)] = 0
    inner: list[Any] = []
    if isinstance(node, yaml.MappingNode):
        inner = [one for pair in node.value for one in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    known[id(node)] = 1 + sum(_unfolded(one, known, depth + 1) for one in inner)
    return known[id(node)]
