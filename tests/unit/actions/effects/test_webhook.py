import jsonschema
import pytest

from gpurules.actions import ACTIONS

ACTION = ACTIONS["webhook"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"url": "https://a.example/x"},
        {"url": "http://a", "timeout": 5, "headers": {"X": "y"}, "on": ["start", "stop"], "retries": 0, "backoff": 0.5},
    ],
)
def test_good_parameters_fit(parameters: dict[str, object]):
    jsonschema.validate(parameters, ACTION.schema, cls=jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"url": "ftp://a"},
        {"url": "https://a", "timeout": 0},
        {"url": "https://a", "on": ["end"]},
        {"url": "https://a", "on": []},
        {"url": "https://a", "headers": {"X": 5}},
        {"url": "https://a", "retries": 101},
        {"url": "https://a", "secret_env": "not a name"},
    ],
)
def test_bad_parameters_do_not(parameters: dict[str, object]):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parameters, ACTION.schema, cls=jsonschema.Draft7Validator)
