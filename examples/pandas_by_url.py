"""A table that pandas reads by URL alone: ``gpurules::`` before it, and the rules are in force.

    python examples/pandas_by_url.py

The rules hold a dataset for a second here, whatever the GPUs do, so that there is something to see.
"""

import tempfile
import time
from pathlib import Path

import pandas

from gpurules.clients.filesystem import use
from gpurules.engine import Engine
from gpurules.governor import Governor, StateChange
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

RULES = """
version: 1
name: tables
rules:
  - name: tables_wait
    condition: file_type == 'dataset' AND operation == 'read'
    action: delay_transfer
    parameters: {delay: 1s}
"""


def main() -> None:
    """Write a table and read it back, and print what the rules did."""
    engine = Engine(loads(RULES))
    engine.observe(Snapshot(timestamp=time.time(), gpus=(GPU(index=0, temperature=40),)))
    governor = Governor(engine)

    def show(change: StateChange) -> None:
        because = f" because of {', '.join(change.rules)}" if change.rules else ""
        print(f"{change.transfer.operation:5} {change.after}{because}", flush=True)

    governor.on_change(show)
    use(governor)
    url = f"gpurules::file://{Path(tempfile.mkdtemp())}/loss.csv"
    pandas.DataFrame({"step": [1, 2, 3], "loss": [0.9, 0.5, 0.3]}).to_csv(url, index=False)
    table = pandas.read_csv(url)
    print(f"{len(table)} rows, {governor.status().counts.holds} hold")
    use(None)


if __name__ == "__main__":
    main()
