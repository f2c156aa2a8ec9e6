"""JSON bytes of facts and decisions, without a detour through dicts where that takes long."""
