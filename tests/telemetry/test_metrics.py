"""The metrics as Prometheus scrapes them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from signalbox.telemetry import Call, Metrics
from signalbox.types import Attempt, Prediction, Usage, utc_now


def samples(metrics: Metrics) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def prediction(**changes: object) -> Prediction:
    values: dict[str, object] = {
        "id": "prd_1",
        "created_at": utc_now(),
        "outcome": "answered",
        "answer": None,
        "route": "cloud",
        "confidence": 0.9,
        "evidence": (),
        "attempts": (
            Attempt(route="classifier", outcome="escalated", reason="unsure", expert="intents@3"),
            Attempt(
                route="cloud",
                outcome="accepted",
                reason="sure",
                model="gpt-5-mini",
                cost_usd=0.25,
                usage=Usage(input_tokens=10, output_tokens=4),
            ),
        ),
        "policy": "pol_1",
        "cost_usd": 0.25,
        "saved_usd": 0.0,
        "duration_ms": 700.0,
        "overhead_ms": 3.0,
    }
    return Prediction.model_validate(values | changes)


def test_a_prediction_counts_everywhere() -> None:
    metrics = Metrics(version="1.2")
    metrics.record_prediction(prediction())
    metrics.record_prediction(prediction(outcome="refused", route=None, attempts=()))
    metrics.local_queue_depth.set(4)
    metrics.count_cloud_call("gpt-5-mini", "answered", 0.25)
    metrics.count_cloud_call("gpt-5-mini", "rate_limited", 0.0)
    found = samples(metrics)
    assert found["signalbox_predictions_total{outcome=answered,route=cloud}"] == 1
    assert found["signalbox_predictions_total{outcome=refused,route=none}"] == 1
    assert found["signalbox_prediction_duration_seconds_bucket{le=0.5,route=cloud}"] == 0
    assert found["signalbox_prediction_duration_seconds_bucket{le=1.0,route=cloud}"] == 1
    assert found["signalbox_overhead_seconds_count{}"] == 2
    assert found["signalbox_route_attempts_total{outcome=escalated,route=classifier}"] == 1
    assert found["signalbox_spend_usd_total{model=gpt-5-mini}"] == 0.25
    assert found["signalbox_local_queue_depth{}"] == 4
    (build,) = [name for name in found if name.startswith("signalbox_build_info")]
    assert "version=1.2" in build


def test_two_services_in_one_process_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.spend.labels("m").inc(0.5)
    assert "signalbox_spend_usd_total{model=m}" in samples(first)
    assert "signalbox_spend_usd_total{model=m}" not in samples(second)
    assert first.content_type.startswith("text/plain")


def test_a_call_of_a_model_counts_by_the_conventions_names() -> None:
    metrics = Metrics()
    metrics.record_call(Call("m", "openai", 0.5, 0.1, Usage(input_tokens=10, output_tokens=4), None))
    metrics.record_call(Call("m", "openai", 2.0, None, None, "UpstreamError"))
    found = samples(metrics)
    labels = "gen_ai_operation_name=chat,gen_ai_provider_name=openai,gen_ai_request_model=m"
    assert found[f"gen_ai_client_operation_duration_seconds_sum{{error_type=,{labels}}}"] == 0.5
    assert found[f"gen_ai_client_operation_duration_seconds_count{{error_type=UpstreamError,{labels}}}"] == 1
    assert found[f"gen_ai_client_operation_time_to_first_chunk_seconds_sum{{{labels}}}"] == 0.1
    assert found[f"gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type=input}}"] == 10
    assert found[f"gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type=output}}"] == 4
