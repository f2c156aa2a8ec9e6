from gpurules.clients import CLIENTS, Capability, all_clients


def test_every_kind_says_what_it_can_do():
    for kind in CLIENTS:
        assert kind.capabilities <= set(Capability)
        assert kind.unavailable() is None or any(word in kind.unavailable() for word in ("install", "only on"))


def test_a_wrong_plug_in_is_named_and_stops_nothing(monkeypatch):

    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda _: ({"odd": object()}, {"gone": "ImportError: no"}))
    kinds, reasons = all_clients()
    assert kinds.names == CLIENTS.names
    assert set(reasons) == {"odd", "gone"}
