from fanout.naming.idempotency_keys import chunk_key, item_key, saga_step_key


def test_keys_name_the_run_and_what_is_done_in_it():
    assert item_key("r", "item-3", "compensate") == "r/item-3/compensate"
    assert chunk_key("r", 2000) == "r/2000"


def test_a_saga_that_is_taken_up_anew_has_other_keys():
    assert saga_step_key("r", "a", "pay", 1) == "r/a/pay"
    assert saga_step_key("r", "a", "pay", 2) == "r/a/pay/take-2"
