"""Codes of names, types and units."""

from gpurules.diagnostics.code import Code, Fix, Form, Severity

CODES = (
    Code(
        code="GPR101",
        name="unknown-field",
        severity=Severity.ERROR,
        kind="unknown-name",
        summary="no field, signal, define, input or function has this name",
        fix=Fix.UNSAFE,
        form=Form.CONDITION,
        avoid="gpu_memroy > 80",
        prefer="gpu_memory > 80",
        why="An unknown name would silently make the rule dead. Known names are the fields (`gpurules fields`) and "
        "the file's own fields, inputs, defines and signals.",
    ),
    Code(
        code="GPR111",
        name="unused-definition",
        severity=Severity.WARNING,
        kind="unused",
        summary="a define, input, list or signal is never used",
        fix=Fix.SAFE,
        form=Form.FILE,
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
        why="An unused definition is often one that was meant to be used somewhere.",
    ),
    Code(
        code="GPR112",
        name="shadowed-name",
        severity=Severity.WARNING,
        kind="shadowed",
        summary="a local name hides a field",
        form=Form.FILE,
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
        why="A local name takes precedence over a field of the same name, and a reader of the condition alone will "
        "take it for the field.",
    ),
    Code(
        code="GPR115",
        name="definition-cycle",
        severity=Severity.ERROR,
        kind="cycle",
        summary="defines or signals use each other in a cycle",
        form=Form.FILE,
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
        why="A definition in terms of itself has no value. Defines and signals can use each other in any order, but "
        "not in a cycle.",
    ),
    Code(
        code="GPR301",
        name="duplicate-rule-name",
        severity=Severity.ERROR,
        kind="duplicate",
        summary="two rules have one name",
        form=Form.FILE,
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
        why="Decisions, logs and patches identify a rule by its name, so the name must be unique.",
    ),
    Code(
        code="GPR608",
        name="state-on-transfer",
        severity=Severity.ERROR,
        kind="scope",
        summary="a timer on a condition that reads a transfer or workload",
        form=Form.FILE,
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
        why="`for`, `until` and `keep_for` track the node from snapshot to snapshot. A transfer is evaluated when it "
        "is decided on and has no such history. Define the part about the node as a signal, and use the signal.",
    ),
)
