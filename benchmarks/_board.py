"""What stands on README's board: each benchmark with its row, its arguments and the files it needs.

How they are run and kept is `benchmarks.all`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One benchmark: its module, its board row, its arguments, those that a quick run adds, and the files it needs.

    Attributes:
        quick: None where it takes too long for a quick board however it is shortened.
        data: flags, each with a file below SIGNALBOX_DATA.
        label: what tells it from others of the same module.
    """

    name: str
    row: Callable[[Figures], str]
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = ()
    data: tuple[tuple[str, str], ...] = ()
    label: str = ""

    @property
    def title(self) -> str:
        return self.label or self.name


def _grounding(f: Figures) -> str:
    low, high = f["answer_first_interval"]
    minilm = f["anchors"]["best_sentence_minilm"]
    free = f["anchors"].get("free_writing")
    ours = (
        f"grounded answers, on the questions the ranker was fitted on: first quote right **{f['answer_first']:.3f}** "
        f"({low:.3f} to {high:.3f}), recall@5 {f['recall_at_5']:.3f}, answerable AUROC "
        f"**{f['answerable_auroc']:.3f}**, ECE {f['ece']:.3f}"
    )
    beside = (
        f"MiniLM's best sentence {minilm['answer_first']:.3f}, {minilm['recall_at_5']:.3f}, "
        f"{minilm['answerable_auroc']:.3f}"
    )
    return f"{ours} | {beside}" + (f"; SmolLM2 writing freely {free['answer_first']:.3f}" if free else "")


def _encoder(f: Figures) -> str:
    return (
        f"encoder, one text: **{f['time_ratio']:.2f}** of the time, fp32 export cosine {f['export_cosine']:.5f}, same "
        f"route {f['route_agreement']:.1%} | sentence-transformers on torch 1"
    )


def _local_llm(f: Figures) -> str:
    return (
        f"local LLM: reads **{f['prefill_ratio']:.2f}** times as fast, writes **{f['decode_ratio']:.2f}** times; first "
        f"token with a shared prefix {f['shared_prefix_ratio']:.2f} of cold; scoring 8 candidates "
        f"{f['score_ratio']:.2f} of the time | bare llama-cpp-python on the bundled file 1"
    )


def _retrieval(f: Figures) -> str:
    return f"search, {f['chunks']:,} chunks, without the encoder: p50 **{f['query_p50_ms']:.1f} ms** | see the command"


def _serving(f: Figures) -> str:
    gateway = "LiteLLM could not be installed"
    if f.get("added_p50_ratio") is not None:
        gateway = f"LiteLLM's proxy 1 (adds {next(_anchor(f, 'LiteLLM'))['added_p50_ms']:.0f} ms)"
    added = (
        f"adds **{f['added_p50_ratio']:.2f}** (p50) and **{f['added_p99_ratio']:.2f}** (p99) of what LiteLLM's "
        "proxy adds; "
        if f.get("added_p50_ratio") is not None
        else ""
    )
    return (
        f"serving: {added}classifier **{f['classifier_rps_ratio']:.3f}** of an empty FastAPI's requests/s "
        f"({f['classifier_rps']:.0f}); with a busy local LLM its p99 is **{f['isolation_p99_ratio']:.1f}** times idle, "
        f"event loop blocked at most {f['loop_block_ms']:.0f} ms | {gateway}; empty FastAPI "
        f"{next(_anchor(f, 'empty'))['classifier_rps']:.0f} requests/s"
    )


def _attacks(f: Figures) -> str:
    names = ("unicode", "typos", "padding", "topical_padding", "prefix", "suffix", "gadget")
    tfidf, off = f["anchors"]["TF-IDF router"], f["anchors"]["defences off"]
    forced = ", ".join(
        f"{name} **{f[name]['forced_escalation']:.0%}** ({f[name]['gross_escalation']:.0%})" for name in names
    )
    beside = ", ".join(f"{name} {tfidf[name]['forced_escalation']:.0%}" for name in names)
    bare = ", ".join(f"{name} {off[name]['forced_escalation']:.0%}" for name in names)
    return (
        f"queries forced onto a dearer route, net of a twin (and in all): {forced}; cost of the worst family "
        f"**{f['cost_ratio']:.2f}** times; instructions in mails, on the worst of the routes: net success "
        f"**{f['net_success']:.1%}**; false hits **{f['false_hits']:.1%}**, utility drop **{f['utility_drop']:.1%}** | "
        f"TF-IDF router: {beside}; ours without defences: {bare}"
    )


def _anchor(f: Figures, name: str) -> Iterator[Figures]:
    return (anchor for key, anchor in f["anchors"].items() if key.startswith(name))


def _faults(f: Figures) -> str:
    bare = f["anchors"]["openai client"]
    return (
        f"30% of the cloud's answers faulty: **{f['answered_or_refused']:.2%}** answered or honestly refused, "
        f"**{f['attempts_ratio']:.2f}** attempts a query, at most {f['deadline_overrun_ms']:.0f} ms over the deadline; "
        f"goodput at 3 times saturation **{f['goodput_ratio']:.2f}** of peak | openai's client: "
        f"{bare['answered']:.1%} answered, {bare['attempts_ratio']:.2f} attempts"
    )


def _review(f: Figures) -> str:
    return (
        f"review queue, {f['workers']} people at once: **{f['double_claims']}** double claims, **{f['lost']}** lost, "
        f"claim p95 **{f['claim_p95_ms']:.0f} ms**; the first fifth of the queue holds "
        f"**{f['errors_found_ratio']:.2f}** times the errors | first in, first out 1"
    )


def _durability(f: Figures) -> str:
    return (
        f"durability: {f['acknowledged']:,} acknowledged writes over {f['kills']} random `kill -9`: **{f['lost']}** "
        f"lost, **{f['doubled']}** doubled | -"
    )


def _clinc150(f: Figures) -> str:
    low, high = f["in_scope_interval"]
    return (
        f"CLINC150 ({f['learner']}): in scope **{f['in_scope_accuracy']:.3f}** ({low:.3f} to {high:.3f}) with "
        f"**{f['oos_recall']:.2f}** of out of scope found, AUROC **{f['oos_auroc']:.3f}**; one text "
        f"{f['single_p50_ms']:.1f} ms | {_accuracies(f)}"
    )


def _banking77(f: Figures) -> str:
    low, high = f["accuracy_interval"]
    return (
        f"banking77 ({f['learner']}): **{f['accuracy']:.3f}** ({low:.3f} to {high:.3f}), from 10 examples a label "
        f"**{f['ten_shot_accuracy']:.3f}** | {_accuracies(f)}"
    )


def _accuracies(f: Figures) -> str:
    return ", ".join(
        f"{name} {own['accuracy']:.3f}" + (f" (AUROC {own['oos_auroc']:.3f})" if "oos_auroc" in own else "")
        for name, own in f["anchors"].items()
    )


def _multitask(f: Figures) -> str:
    heads = ", ".join(
        f"{name} **{f[name]['accuracy']:.3f}** ({f[name]['difference']:+.3f})" for name in ("topic", "sentiment")
    )
    fetch = f["fetch"]
    return (
        f"two tasks in one pass: {heads}; 120 sentences: topic **{fetch['topic']:.3f}**, sentiment "
        f"**{fetch['sentiment']:.3f}** | one expert a task: in brackets; published .80 and .633"
    )


def _label_noise(f: Figures) -> str:
    beside = ", ".join(f"{name} {own['precision_at_k']:.3f}" for name, own in f["anchors"].items())
    return (
        f"{f['flipped']:,} of {f['rows']:,} labels flipped: **{f['precision_at_k']:.3f}** of the first k are, "
        f"**{f['recall_at_2k']:.3f}** found in the first 2k | {beside}"
    )


def _statistics(f: Figures) -> str:
    naive, people, unpaired = (f["anchors"][name] for name in ("naive judged mean", "people alone", "unpaired test"))
    ours = (
        f"judged rates with 100 labels: 95% intervals hold **{f['interval_coverage']:.1%}** "
        f"({f['coverage_lowest']:.1%} to {f['coverage_highest']:.1%} over rates and judges), {f['mean_width']:.3f} "
        f"wide; A/A alarms at most **{f['false_alarm_rate']:.1%}**; five points lost on 400 cases found "
        f"**{f['power']:.0%}**"
    )
    beside = (
        f"the judge's mean {naive['interval_coverage']:.1%} ({naive['coverage_lowest']:.0%} to "
        f"{naive['coverage_highest']:.0%}); labels alone {people['mean_width']:.3f} wide; "
        f"unpaired {unpaired['power']:.0%}"
    )
    return f"{ours} | {beside}"


def _judge(f: Figures) -> str:
    low, high = f["auroc_interval"]
    sets = ", ".join(f"{name} {own['auroc']:.3f}" for name, own in f["sets"].items())
    beside = ", ".join(f"{name.replace('_', ' ')} {own['auroc']:.3f}" for name, own in f["anchors"].items())
    return (
        f"groundedness without a cloud, BEGIN, {f['headline']}: AUROC **{f['auroc']:.3f}** ({low:.3f} to {high:.3f}; "
        f"{sets}), ECE **{f['ece']:.3f}**, one answer {f['p50_ms']:.0f} ms | {beside}"
    )


def _harness(f: Figures) -> str:
    anchors = ", ".join(f"{name} {own['overhead_cpu_ms']:.1f} ms" for name, own in f["anchors"].items())
    most = f"{f['rerun_rows_most']}"
    ratios = ", ".join(f"**{ratio:.2f}** of {peer}'s" for peer, ratio in f["overhead_ratio"].items())
    return (
        f"eval harness, computing per case beyond the model's calls: {f['overhead_cpu_ms']:.1f} ms, {ratios}; "
        f"{f['kills']} times `kill -9`: at most **{most}** rows run again ({f['in_flight']} in flight); "
        f"warm re-run **{f['warm_model_calls']}** model calls; **{f['nan_in_aggregates']}** NaN in aggregates with a "
        f"judge that fails on a fifth | {anchors}"
    )


ENTRIES = (
    Entry("encoder", _encoder),
    Entry("local_llm", _local_llm, quick=None),
    Entry("grounding", _grounding, quick=None, data=(("--data", "xquad/en_dev.json"),)),
    Entry(
        "intents",
        _clinc150,
        arguments=("--set", "clinc150"),
        quick=None,
        data=(("--train", "clinc150/train_val.json"),),
        label="clinc150",
    ),
    Entry(
        "intents",
        _banking77,
        arguments=("--set", "banking77"),
        quick=None,
        data=(("--train", "banking77/train.csv"),),
        label="banking77",
    ),
    Entry(
        "multitask",
        _multitask,
        quick=None,
        data=(
            ("--topic", "agnews/news.csv"),
            ("--sentiment", "tweet_sentiment/tweets.csv"),
            ("--fetch", "fetch/synthetic_data.csv"),
        ),
    ),
    Entry("label_noise", _label_noise, quick=None, data=(("--data", "banking77/train.csv"),)),
    Entry(
        "judge",
        _judge,
        quick=None,
        data=tuple(("--data", f"begin/begin_dev_{name}.tsv") for name in ("cmu", "tc", "wow")),
    ),
    Entry("retrieval", _retrieval, quick=("--chunks", "20000")),
    Entry("serving", _serving, quick=("--quick",)),
    Entry("faults", _faults, quick=("--quick",)),
    Entry("review", _review, quick=("--quick",)),
    Entry("statistics", _statistics, quick=("--rounds", "1000")),
    Entry("harness", _harness, quick=None),
    Entry(
        "attacks",
        _attacks,
        quick=None,
        data=(("--payloads", "bipia/text_attack_train.json"), ("--contexts", "bipia/email_train.jsonl")),
    ),
    Entry("durability", _durability, quick=("--quick", "--http-kills", "0")),
)
