from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.facts import TableKey
from alembic_review.worker.channel import Channel, ChannelClosedError


def pair() -> tuple[Channel, Channel]:
    left, right = socket.socketpair()
    return Channel(left.detach()), Channel(right.detach())


@given(st.text(max_size=200))
def test_what_is_sent_arrives(text: str) -> None:
    left, right = pair()
    with left, right:
        left.send("progress", text=text)
        assert right.receive() == {"type": "progress", "text": text}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=40,
)


@given(_VALUES)
def test_nested_values_arrive(value: object) -> None:
    left, right = pair()
    with left, right:
        left.send("facts", value=value)
        assert right.receive() == {"type": "facts", "value": value}


def test_frozen_data_becomes_objects() -> None:
    left, right = pair()
    with left, right:
        left.send("facts", key=TableKey(None, "widget"))
        assert right.receive() == {"type": "facts", "key": {"schema": None, "name": "widget"}}


def test_an_application_may_replace_the_functions_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.dumps", None)
    monkeypatch.setattr("json.loads", None)
    left, right = pair()
    with left, right:
        left.send("progress", text="x")
        assert right.receive() == {"type": "progress", "text": "x"}


def test_the_end_of_the_stream_is_an_error() -> None:
    left, right = pair()
    with right:
        left.close()
        with pytest.raises(ChannelClosedError):
            right.receive()
        with pytest.raises(ChannelClosedError):
            right.send("progress", text="x" * (1 << 22))
