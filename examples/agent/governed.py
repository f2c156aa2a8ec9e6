"""Reads files as the node's agent allows. Usage: python governed.py SOCKET [SECONDS]"""

import sys
import time

import gpurules
from gpurules.governor import Governor

engine = gpurules.connect(f"unix:{sys.argv[1]}")
deadline = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else "30")

with_agent = engine.decide(gpurules.Transfer(path="/data/shard-0001.tar", size=4 << 30))
print(f"{with_agent.source}: delay {with_agent.delay:g} s, {with_agent.prefetch_factor:.0%} of the prefetch")

governor = Governor(engine)
ticket = governor.transfer(gpurules.Transfer(id="shard-0001", path="/data/shard-0001.tar", size=4 << 30))
held = None
while time.monotonic() < deadline:
    (transfer,) = governor.status().transfers
    if transfer.state != held:
        held = transfer.state
        print(
            f"{transfer.id} is {transfer.state.value}" + (f" by {', '.join(transfer.rules)}" if transfer.rules else "")
        )
    if held not in ("held", "paused"):
        with ticket.part(1 << 20):
            print("its first part moves")
        break
    time.sleep(0.1)
ticket.cancel()
governor.stop()
engine.stop()
