from cli.outcomes import EXIT_CODES, Outcome, exit_code, style


def test_every_outcome_has_an_exit_code_of_its_own_and_a_colour():
    assert EXIT_CODES.keys() == set(Outcome)
    assert len(set(EXIT_CODES.values())) == len(Outcome)
    assert "white" not in map(style, Outcome)


def test_an_outcome_of_a_newer_app_is_a_failure():
    assert (exit_code("unheard_of"), style("unheard_of")) == (1, "white")
