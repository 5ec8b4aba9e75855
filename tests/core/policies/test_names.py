"""Parameters by their names."""

import pytest

from gradclip.core.policies.names import indices_by_label, label_of, layer_of, matches
from gradclip.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("model.head.weight", "head", True),
        ("model.header.weight", "head", False),
        ("model.header.weight", "head*", True),
        ("blocks.3.mlp.bias", "bias", True),
        ("blocks.3.mlp.bias", "blocks.*.bias", True),
        ("blocks.3.mlp.bias", "blocks.3", True),
        ("blocks/3/mlp/kernel", "blocks.3", True),
        ("blocks/3/mlp/kernel", "mlp/kernel", True),
        ("w1", "w?", True),
        ("w1", "*", True),
        ("W1", "w1", False),
    ],
)
def test_a_pattern_means_whole_parts_of_a_name(name, pattern, expected):
    assert matches(name, pattern) is expected


@pytest.mark.parametrize(
    ("name", "layer"),
    [("a.b.weight", "a.b"), ("dense/kernel", "dense"), ("w1", "w1"), (".weight", ".weight")],
)
def test_a_layer_is_the_name_without_its_last_part(name, layer):
    assert layer_of(name) == layer


def test_the_first_pattern_that_matches_names_the_group():
    groups = {"head": ("head", "classifier"), "all": "*"}
    assert [label_of(n, groups) for n in ("head.w", "classifier.w", "x")] == ["head", "head", "all"]
    assert label_of("x", {"head": "head"}) == ""


def test_a_group_has_a_text_for_a_name():
    with pytest.raises(ConfigurationError, match="must return a text"):
        label_of("w", lambda _: 3)


def test_labels_keep_the_order_of_their_appearance():
    assert indices_by_label(["b", "a", "b"]) == {"b": (0, 2), "a": (1,)}
