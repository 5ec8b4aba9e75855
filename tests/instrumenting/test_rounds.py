"""Steps of several optimizers, put together to steps of training."""

import numpy as np

import gradclip
from gradclip.instrumenting.rounds import Part, Rounds
from gradclip.instrumenting.session import Session
from gradclip.instrumenting.settings import Settings

VARIABLES: dict = {}


class Variable(np.ndarray):
    """What can be referred to weakly."""


def part(name, loss):
    variable = VARIABLES.setdefault(name, np.zeros(2).view(Variable))
    norms = np.ones(1)
    return Part(
        optimizer="SGD", parameters=[(name, variable)], before=norms, after=norms, loss=loss
    )


def test_the_last_step_of_a_training_is_not_one_with_the_first_of_the_next(tmp_path):
    session = Session(Settings(out=str(tmp_path / "run"), quiet=True))
    rounds = Rounds(session, "numpy")
    for loss in (1.0, 2.0):
        rounds.add("first", part("a", loss), alone=True)
    for loss in (3.0, 4.0):
        rounds.add("second", part("b", loss), alone=False)
    for loss in (5.0, 6.0):
        rounds.add("d", part("d", loss), alone=False)
        rounds.add("g", part("g", loss), alone=False)
    rounds.close()
    session.close()
    losses = [gradclip.read_run(path).loss.tolist() for path in session.paths]
    assert losses == [[1, 2], [3, 4], [10, 12]]


def test_a_name_that_another_run_had_is_free_again_and_one_run_has_it_once(tmp_path):
    session = Session(Settings(out=str(tmp_path / "run"), quiet=True))
    rounds = Rounds(session, "numpy")
    first, second, third = (np.zeros(2).view(Variable) for _ in range(3))
    norms = np.ones(1)

    def step(variable):
        return Part(optimizer="SGD", parameters=[("w", variable)], before=norms, after=norms)

    rounds.add("first", step(first), alone=True)
    for _ in range(2):
        rounds.add("second", step(second), alone=False)
        rounds.add("third", step(third), alone=False)
    rounds.close()
    session.close()
    runs = [gradclip.read_run(path) for path in session.paths]
    names = [[parameter.name for parameter in run.metadata.parameters] for run in runs]
    assert names == [["w"], ["w", "w_1"]]
    assert [len(run.steps) for run in runs] == [1, 2]
