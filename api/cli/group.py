"""A group of commands whose `--help` costs no more than what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer.core import TyperOption


class Group(TyperGroup):
    """Typer turns what is not given into a bool by way of pydantic, which takes longer to import than all the rest."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        option = super().get_help_option(ctx)
        if option is not None and option.default is None:
            option.default = False
        return option
