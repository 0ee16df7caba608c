"""What an evaluation's page looks like beyond the style that all reports share."""

from __future__ import annotations

STYLE = """\
.heads{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,12rem),1fr));gap:1rem;margin-bottom:1.2rem}
.head{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1.2rem}
.head b{display:block;font-size:1.8rem;line-height:1.25;font-variant-numeric:tabular-nums}
.head span{display:block;color:var(--muted);font-size:.85rem;overflow-wrap:anywhere}
.verdict{border-left:4px solid var(--note);padding:.1rem 0 .1rem .9rem;margin:.5rem 0;max-width:66rem;
overflow-wrap:anywhere}
.verdict.doubt{border-color:var(--warning)}.verdict.bad{border-color:var(--serious)}.verdict.good{border-color:var(--fine)}
.word{font-weight:600}.word.worse,.word.wrong,.word.failed{color:var(--serious)}.word.better,.word.right{color:var(--fine)}
.word.unmeasured,.word.undecided,.word.declined,.word.other{color:var(--muted)}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums;padding-left:1rem;white-space:nowrap}
td{max-width:34rem}th,td{overflow-wrap:break-word}
.case{border-bottom:1px solid var(--line);margin:0;padding:.15rem 0}
.case>summary{display:grid;grid-template-columns:6.5rem minmax(0,12rem) minmax(0,1fr);gap:.2rem .8rem;
align-items:baseline;color:inherit;padding:.35rem 0}
.case>summary>*{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}
.case>summary>.id{color:var(--muted);font-family:ui-monospace,monospace;font-size:.85em}
.case[open]>summary>*{white-space:normal;overflow-wrap:anywhere}
.trace{padding:.3rem 0 1rem 1rem;border-left:3px solid var(--line);margin:.2rem 0 .6rem .2rem}
.trace h4{font-size:.82rem;color:var(--muted);font-weight:600;margin:.9rem 0 .2rem}
.trace pre,.trace blockquote{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0;font:inherit;max-width:66rem;
unicode-bidi:isolate;max-height:24rem;overflow:auto}
.trace blockquote{border-left:3px solid var(--line);padding-left:.8rem;color:var(--muted)}
.groups>details>summary{font-size:1rem;color:inherit;font-weight:600;padding:.3rem 0}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}
summary:focus-visible,a:focus-visible{outline:2px solid var(--note);outline-offset:2px;border-radius:4px}
@media (max-width:40rem){.case>summary{grid-template-columns:6.5rem minmax(0,1fr)}.case>summary>.q{grid-column:1/-1}
figure{overflow-x:auto}figure svg.chart{min-width:520px}main{padding:.8rem}section{padding:.9rem}}
"""
