"""A simulated node: its GPUs and its transfers. The same scenario always produces the same facts.

::

    scenario --> load --> device --> node --> recording
             --> storage    transfers and workloads

The entry point is ``node.simulate``.
"""
