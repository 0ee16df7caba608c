"""A run as JUnit XML, which CI systems show: one test case a case of the set, with why it failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from evaluators.comparing.gate import GateResult
from evaluators.comparing.record import Record, shown
from evaluators.contract import Row
from evaluators.reports.ranking import deciding, standing, wrong_by

_LONGEST = 4_000
_LONGEST_NAME = 250
# What would turn round the text around it, and what XML 1.0 can't hold, not even escaped.
_FORBIDDEN = re.compile(
    "[\u200e\u200f\u202a-\u202e\u2066-\u2069]|[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def run_junit(record: Record) -> str:
    """Wrong cases are failures, cases without an output errors, declined and unmeasured ones skipped."""
    told, metrics = shown(record), deciding(record.metrics)
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    cases = []
    for row in record.rows:
        name = _attribute(row.case.id)
        seconds = f"{(row.output.duration_ms if row.output else row.duration_ms) / 1000:.3f}"
        where = _attribute(".".join(filter(None, ("signalbox", told.set_name, row.case.tags.get("attack", "")))))
        inner = ""
        match standing(row, metrics):
            case "failed":
                counts["errors"] += 1
                trouble = row.trouble
                kind, detail = (trouble.kind, trouble.detail) if trouble else ("error", "there is no output")
                inner = f"<error type={_attribute(kind)} message={_attribute(detail)}>{_text(_told(row))}</error>"
            case "wrong":
                counts["failures"] += 1
                names = wrong_by(row, metrics)
                inner = f"<failure type={_attribute(', '.join(names))} message={_attribute(_reasons(row, names))}>"
                inner += f"{_text(_told(row))}</failure>"
            case "declined":
                counts["skipped"] += 1
                inner = '<skipped message="left to a person"/>'
            case "unmeasured" | "other":
                counts["skipped"] += 1
                why = _reasons(row, [metric.name for metric in metrics]) or "nothing was measured"
                inner = f"<skipped message={_attribute(why)}/>"
        cases.append(f"  <testcase classname={where} name={name} time={_attribute(seconds)}>{inner}</testcase>\n")
    suite = " ".join(f"{key}={_attribute(str(value))}" for key, value in {"tests": len(cases), **counts}.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n <testsuite name={_attribute(record.id)} {suite}>\n'
        f"{''.join(cases)} </testsuite>\n</testsuites>\n"
    )


def gate_junit(result: GateResult) -> str:
    """One test case a rule; a failure holds the whole reason, and the output of the suite what to beware of."""
    cases = "".join(
        f'  <testcase classname="signalbox.gate" name={_attribute(one.rule)}>'
        + ("" if one.passed else f"<failure message={_attribute(one.reason)}>{_text(one.reason)}</failure>")
        + "</testcase>\n"
        for one in result.results
    )
    failures = sum(not one.passed for one in result.results)
    beware = f"  <system-out>{_text(chr(10).join(result.warnings))}</system-out>\n" if result.warnings else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
        f' <testsuite name={_attribute(result.run.id)} tests="{len(result.results)}" failures="{failures}">\n'
        f"{cases}{beware} </testsuite>\n</testsuites>\n"
    )


def _reasons(row: Row, names: Sequence[str]) -> str:
    own = [one for one in row.measures if one.metric in names and (one.reason or one.value is not None)]
    return "; ".join(f"{one.metric}: {one.reason or 'wrong'}" for one in own)


def _told(row: Row) -> str:
    lines = [f"query: {row.case.query}"]
    if row.case.expected.answers or row.case.expected.labels:
        lines.append(f"expected: {' | '.join([*row.case.expected.answers, *row.case.expected.labels])}")
    if row.output is not None:
        lines.append(f"answer: {row.output.text if row.output.text is not None else '(none)'}")
    lines += [f"{one.metric} = {one.value}: {one.reason}" for one in row.measures if one.reason]
    return "\n".join(lines)


def _clean(text: str, most: int) -> str:
    clean = _FORBIDDEN.sub("\ufffd", text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _text(text: str) -> str:
    return escape(_clean(text, _LONGEST))


def _attribute(text: str) -> str:
    return quoteattr(" ".join(_clean(text, _LONGEST_NAME).split()))
