"""Labels that PromQL's operations keep, add and drop, as Prometheus documents its operators and functions."""

import pytest

from modelyard.view import Labels, recorded_labels, result_labels


def _only(*names: str) -> Labels:
    return Labels(frozenset(names))


def _all_but(*names: str) -> Labels:
    return Labels(frozenset(names), others=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("up", _all_but()),
        ("sum(up)", _only()),
        ("sum by (job) (up)", _only("job")),
        ("sum without (pod) (up)", _all_but("pod")),
        ("topk(3, sum by (job) (up))", _only("job")),
        ('count_values by (job) ("version", up)', _only("job", "version")),
        ("histogram_quantile(0.9, sum by (job, le) (up))", _only("job")),
        ('label_replace(sum by (a) (up), "pod", "$1", "a", "(.+)")', _only("a", "pod")),
        ('absent(up{job="a", pod=~"b.*"})', _only("job")),
        ("time() - max by (job) (up)", _only("job")),
        ("2 * sum by (job) (up)", _only("job")),
        ("vector(1) or sum by (job) (up)", _only("job")),
        ("sum by (job) (up) or up", _all_but()),
        ("up unless on (node) sum by (node) (up)", _all_but()),
        ("up / on (job) sum by (job) (up)", _only("job")),
        ("up / on (job) group_left (team) sum by (job, team) (up)", _all_but()),
        ("sum by (job) (up) * on (job) group_left (team) sum by (job, team) (up)", _only("job", "team")),
        ("sum by (job, pod) (up) / ignoring (pod) sum by (job) (up)", _only("job")),
        ("rate(up[5m])", _all_but()),
        ("max_over_time(sum by (job) (up)[1h:])", _only("job")),
        ("this is not PromQL", _all_but()),
    ],
)
def test_labels_of_a_result(query: str, expected: Labels) -> None:
    assert result_labels(query, {})[0] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum by (pod) (sum by (job) (up))", ["pod by"]),
        ("sum by (pod) (up)", []),
        ("sum(up) / on (job) sum by (job) (up)", ["job on"]),
        ("sum(up) / on () sum by (job) (up)", []),
        ("sum(up) / on (job) sum(up)", []),
        ("histogram_quantile(0.9, sum by (job) (up))", ["le histogram_quantile"]),
        ('model:late{job="a"}', ["job {}"]),
        ('model:late{job=""} or model:late{model="a"}', []),
        ('sum by (job) (model:late{job!=""})', []),
    ],
)
def test_labels_that_are_asked_for_in_vain(query: str, expected: list[str]) -> None:
    recorded = {"model:late": _only("model")}
    assert [f"{lost.name} {lost.operation}" for lost in result_labels(query, recorded)[1]] == expected


def test_a_series_that_is_recorded_from_itself() -> None:
    rules = [
        ("pod:load", "last_over_time(pod:load[15m]) or max by (pod) (up)", frozenset({"quantile"})),
        ("model:load", "sum by (model) (pod:load)", frozenset[str]()),
    ]
    assert recorded_labels(iter(rules)) == {"pod:load": _only("pod", "quantile"), "model:load": _only()}
