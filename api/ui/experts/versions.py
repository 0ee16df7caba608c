"""The table of an expert's versions, and how its champion came to be."""

from __future__ import annotations

from collections.abc import Callable

from api.ui.experts.figures import figure_bar, scale, title
from api.ui.experts.reading import ExpertShown, VersionShown, expert_path, moment_of
from api.ui.parts import formats
from api.ui.parts.elements import attrs, button, div, el, icon, link, text
from api.ui.parts.marks import relative_time
from classifiers.registry.aliases import Change

_MOST = 50
_TIPS = {"champion": "It answers queries.", "challenger": "Newest that does not answer yet."}


def draw_versions(
    expert: ExpertShown, selected: VersionShown | None, promote: Callable[[VersionShown], None] | None
) -> None:
    """The table.

    Args:
        promote: asks before a version is promoted; None where the visitor may not.
    """
    shown = expert.versions[:_MOST]
    keys = {one.main.key for one in shown if one.main is not None}
    end = {key: scale(key, [one.main.figure for one in shown if one.main and one.main.key == key]) for key in keys}
    name = title(next(iter(keys))) if len(keys) == 1 else "Main figure"
    with div("table-scroll"), el("table", "", "table versions-table", aria_label="Versions"):
        with el("thead"), el("tr"):
            for label, cls in (("Version", ""), (name, ""), ("Rows", "number"), ("Learner", ""), ("Trained", ""),
                               ("", "")):  # fmt: skip
                el("th", label, cls, scope="col")
        with el("tbody"):
            for one in shown:
                _row(expert, one, selected, promote, end)
    if len(expert.versions) > _MOST:
        el("p", f"{len(expert.versions) - _MOST:,} older versions are left out.", "muted small")


def _row(
    expert: ExpertShown,
    one: VersionShown,
    selected: VersionShown | None,
    promote: Callable[[VersionShown], None] | None,
    end: dict[str, float],
) -> None:
    version = one.version
    current = selected is not None and version.version == selected.version.version
    with el("tr", "", "version-row", aria_current="true" if current else None):
        with el("th", "", "cell-version", scope="row"), div("stack tight"):
            with div("row wrap tight"):
                link(f"Version {version.version}", expert_path(expert.name, version.version), "link strong")
                for alias in version.aliases:
                    el("span", alias, f"tag alias-{alias}", title=_TIPS.get(alias))
            if version.trouble:
                with div("row small trouble"):
                    icon("warning")
                    text(version.trouble, "break wrap-words")
        with el("td", "", "cell-figure"):
            if one.main is not None:
                figure_bar(one.main.key, one.main.figure, end[one.main.key], baseline=one.main.baseline)
            else:
                el("span", "—", "muted")
        el("td", f"{version.rows:,}" if version.rows is not None else "—", "number cell-rows")
        text(version.learner or "—", "cell-learner break", tag="td")
        with el("td", "", "cell-trained"):
            moment = moment_of(version)
            if moment is not None:
                relative_time(moment)
            else:
                el("span", "—", "muted")
        with el("td", "", "cell-actions"):
            if promote is not None and "champion" not in version.aliases and version.trouble is None:
                wish = button("Promote", "", aria_label=f"Promote version {version.version}")
                wish.on("click", lambda: promote(one), args=[])


def draw_history(history: tuple[Change, ...]) -> None:
    """The changes of the champion, newest first."""
    if not history:
        return
    with el("details", "", "folded"):
        with el("summary", "", "row"):
            icon("chevron")
            el("h2", f"History, {len(history):,} changes" if len(history) != 1 else "History, 1 change")
        with el("ol", "", "history"):
            for change in history:
                with el("li", "", "row wrap"):
                    el("span", f"version {change.champion}", "strong")
                    before = f" instead of {change.before}" if change.before is not None else ""
                    el("span", f"{change.action}{before}")
                    if change.by:
                        text(f"by {change.by}", "muted break")
                    time = relative_time(change.at)
                    attrs(time, title=formats.exact(change.at))
                    if change.reason:
                        text(change.reason, "muted break")
