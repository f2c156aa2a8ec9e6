"""Why a name can be unknown, unused, hidden or circular, and why a timer can be in the wrong place."""

from functools import partial

from gpurules.diagnostics.explanations.explanation import Explanation, Form

_file = partial(Explanation, form=Form.FILE)

EXPLANATIONS = (
    Explanation(
        code="GPR101",
        form=Form.CONDITION,
        avoid="gpu_memroy > 80",
        prefer="gpu_memory > 80",
        why="A name that stands for nothing would make the rule silently dead. Known names are the fields "
        "(`gpurules fields`), and the file's own fields, inputs, defines and signals.",
    ),
    _file(
        code="GPR111",
        avoid="""\
version: 1
name: example
define: {hot: gpu_temperature > 85}
rules:
  - {name: pause, condition: gpu_temperature > 80, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
define: {hot: gpu_temperature > 85}
rules:
  - {name: pause, condition: hot, action: pause_transfer}""",
        why="A definition that nothing uses is often one that something was meant to use.",
    ),
    _file(
        code="GPR112",
        avoid="""\
version: 1
name: example
define:
  gpu_utilization: avg_over_time(gpu_memory_busy[1m])
rules:
  - {name: pause, condition: gpu_utilization > 90, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
define:
  mean_busy: avg_over_time(gpu_memory_busy[1m])
rules:
  - {name: pause, condition: mean_busy > 90, action: pause_transfer}""",
        why="A local name wins over a field of the same name, and who reads the condition alone will take it for "
        "the field.",
    ),
    _file(
        code="GPR115",
        avoid="""\
version: 1
name: example
define: {hot: busy AND gpu_temperature > 85, busy: hot OR gpu_utilization > 95}
rules:
  - {name: pause, condition: hot, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
define: {hot: busy AND gpu_temperature > 85, busy: gpu_utilization > 95}
rules:
  - {name: pause, condition: hot, action: pause_transfer}""",
        why="What is defined by itself has no value. Defines and signals may use each other in any order, not in a "
        "circle.",
    ),
    _file(
        code="GPR301",
        avoid="""\
version: 1
name: example
rules:
  - {name: pause, condition: gpu_temperature > 90, action: pause_transfer}
  - {name: pause, condition: gpu_memory > 95, action: pause_transfer}""",
        prefer="""\
version: 1
name: example
rules:
  - {name: pause_when_hot, condition: gpu_temperature > 90, action: pause_transfer}
  - {name: pause_when_full, condition: gpu_memory > 95, action: pause_transfer}""",
        why="Decisions, logs and patches name a rule, so a name must mean one rule.",
    ),
    _file(
        code="GPR608",
        avoid="""\
version: 1
name: example
rules:
  - name: hold_large_files
    condition: gpu_memory > 85 AND transfer_size > 1GiB
    for: 30s
    action: pause_transfer""",
        prefer="""\
version: 1
name: example
signals:
  memory_pressure: {condition: gpu_memory > 85, for: 30s}
rules:
  - name: hold_large_files
    condition: memory_pressure AND transfer_size > 1GiB
    action: pause_transfer""",
        why="`for`, `until` and `keep_for` remember the node from snapshot to snapshot. A transfer is looked at "
        "when it is decided on and has no such past. Name the part that is about the node as a signal, and use "
        "it.",
    ),
)
