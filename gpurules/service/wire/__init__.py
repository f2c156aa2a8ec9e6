"""JSON bytes of facts and decisions, without intermediate dicts where speed matters."""
