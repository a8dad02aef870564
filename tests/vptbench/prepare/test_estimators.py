"""The table of estimators and which of them is taken."""

import pytest

from vptbench.errors import PoseError, RegistryError
from vptbench.prepare import estimators
from vptbench.prepare.estimators import ESTIMATORS, load_estimator, resolve_estimator


def stand_in(name, reason):
    class StandIn:
        command = ("pip", "install", f"{name}>=1")

        def missing(self):
            return reason

    StandIn.name = name
    return StandIn()


@pytest.fixture
def installed(monkeypatch):
    """Make the named estimators be there, the others not."""

    def _installed(*names):
        monkeypatch.setattr(
            estimators, "load_estimator", lambda name: stand_in(name, None if name in names else "not there")
        )

    return _installed


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_fits_the_protocol(name):
    estimator = load_estimator(name)
    assert estimator.name == name
    assert estimator.command[1:4] == ("-m", "pip", "install")
    assert callable(estimator.estimate)
    reason = estimator.missing()
    assert reason is None or ("\n" not in reason and reason)


@pytest.mark.parametrize(
    ("there", "taken"),
    [(("rtmlib", "mediapipe"), "rtmlib"), (("mediapipe",), "mediapipe"), (("rtmlib",), "rtmlib")],
)
def test_auto_takes_the_first_that_is_installed(installed, there, taken):
    installed(*there)
    assert resolve_estimator("auto").name == taken


def test_auto_without_any_names_one_command(installed):
    installed()
    with pytest.raises(
        PoseError,
        match=r"expected an estimator of poses here, found none \(rtmlib: not there; mediapipe: not there\); "
        r"run: pip install 'mediapipe>=1'$",
    ):
        resolve_estimator("auto")


def test_one_that_is_asked_for_and_missing_names_its_own_command(installed):
    installed("mediapipe")
    with pytest.raises(
        PoseError, match=r"expected the estimator rtmlib here, .*not there\); run: pip install 'rtmlib>=1'$"
    ):
        resolve_estimator("rtmlib")


def test_an_unknown_one_is_refused():
    with pytest.raises(
        RegistryError, match="known estimator of poses, got 'mediapip'; did you mean 'mediapipe'"
    ):
        resolve_estimator("mediapip")
