import json

import pytest

from localhost.durable.protocol.actions import (
    ERROR_LABEL,
    ActionType,
    Outcome,
    ProtocolError,
    necessity,
    parse,
    signature,
)


def call(name):
    return {"actionType": 0, "functionName": name, "input": "1"}


def compound(kind, *children):
    return {"actionType": kind, "compoundActions": list(children)}


def answer(*actions, **fields):
    return json.dumps({"isDone": False, "schemaVersion": 2, "actions": [list(actions)], **fields})


def names(decision):
    return [leaf["functionName"] for leaf in decision.leaves]


def test_leaves_are_listed_depth_first_from_left_to_right():
    nested = compound(12, call("b"), compound(11, call("c"), call("d")), call("e"))
    decision = parse(answer(call("a"), nested), None, None)
    assert names(decision) == ["a", "b", "c", "d", "e"]
    assert decision.last == nested
    assert decision.outcome is None


def test_the_first_schema_has_one_list_a_yield_and_no_certainty():
    body = {"isDone": False, "actions": [[call("a")], [call("b"), call("c")]]}
    decision = parse(json.dumps(body), None, None)
    assert names(decision) == ["a", "b", "c"]
    assert decision.last is None


def test_output_is_json_text_and_absent_for_none():
    assert parse(answer(isDone=True, output="x"), None, None).outcome == Outcome("Completed", '"x"')
    assert parse(answer(isDone=True), None, None).outcome == Outcome("Completed", None)


def test_continue_as_new_hands_its_input_on_as_a_json_string():
    decision = parse(answer(call("a"), {"actionType": 4, "input": "5"}, isDone=True), None, None)
    assert decision.outcome == Outcome("ContinuedAsNew", '"5"')
    assert names(decision) == ["a"]


def test_a_failure_carries_its_actions_behind_the_last_label():
    tricky = f"user text {ERROR_LABEL} more"
    body = answer(call("a"), isDone=False, error=tricky)
    decision = parse(None, f"Exception: {tricky}{ERROR_LABEL}{body}", "trace")
    assert names(decision) == ["a"]
    assert decision.outcome is not None
    assert decision.outcome.text == tricky
    assert (decision.outcome.details or "").startswith(f"Message: {tricky}, StackTrace: ")


def test_a_failure_without_the_label_says_nothing_of_actions():
    decision = parse(None, "ValueError: boom", None)
    assert decision.is_blind
    assert decision.outcome is not None
    assert decision.outcome.text == (
        "One or more errors occurred. (Result: Failure\nException: ValueError: boom\nStack: )"
    )


@pytest.mark.parametrize("state", [answer(call("a"), isDone=True, error="x"), "{broken"])
def test_a_failure_whose_state_cannot_be_used_says_nothing_of_actions(state):
    assert parse(None, f"Exception: x{ERROR_LABEL}{state}", None).is_blind


def test_a_failure_that_holds_a_secret_loses_its_state_with_it():
    state = answer(call("a"), isDone=False, error="AccountKey=abc")
    decision = parse(None, f"Exception: AccountKey=abc{ERROR_LABEL}{state}", None)
    assert decision.is_blind
    assert decision.outcome is not None
    assert "abc" not in (decision.outcome.text or "")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"actions": 1}'])
def test_an_answer_of_another_shape_is_refused(text):
    with pytest.raises(ProtocolError):
        parse(text, None, None)


def test_only_what_a_when_all_lists_is_necessary():
    nested = compound(12, call("a"), compound(12, call("b")), compound(11, call("c")))
    assert list(necessity(nested)) == [True, True, False]
    assert list(necessity(compound(11, call("a")))) == [False]
    assert list(necessity(call("a"))) == [True]


def test_an_unknown_action_type_is_named():
    with pytest.raises(ProtocolError, match="type 77"):
        signature({"actionType": 77})


def test_signatures_tell_kinds_and_names_apart():
    assert signature({"actionType": 9, "instanceId": "@e@k"}) == (ActionType.SIGNAL_ENTITY, "@e@k")
    assert signature({"actionType": 5, "fireAt": "x"}) == (ActionType.CREATE_TIMER, "")
    assert signature(call("a")) != signature({**call("a"), "actionType": 1})
