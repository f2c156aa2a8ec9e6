"""Names of metrics, functions and words of other systems, and what is written here in their place."""

import re

_METRICS = {
    "gpu_memory_used": ("DCGM_FI_DEV_FB_USED", "nvidia_smi_memory_used_bytes"),
    "gpu_memory_free": ("DCGM_FI_DEV_FB_FREE", "nvidia_smi_memory_free_bytes"),
    "gpu_memory_total": ("DCGM_FI_DEV_FB_TOTAL", "nvidia_smi_memory_total_bytes"),
    "gpu_memory_reserved": ("DCGM_FI_DEV_FB_RESERVED", "nvidia_smi_memory_reserved_bytes"),
    "gpu_memory": ("DCGM_FI_DEV_FB_USED_PERCENT",),
    "gpu_utilization": (
        "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "nvidia_smi_utilization_gpu_ratio",
    ),
    "gpu_memory_busy": (
        "DCGM_FI_DEV_MEM_COPY_UTIL", "DCGM_FI_PROF_DRAM_ACTIVE", "nvidia_smi_utilization_memory_ratio",
    ),
    "gpu_temperature": ("DCGM_FI_DEV_GPU_TEMP", "nvidia_smi_temperature_gpu"),
    "gpu_memory_temperature": ("DCGM_FI_DEV_MEMORY_TEMP", "nvidia_smi_temperature_memory"),
    "gpu_power": ("DCGM_FI_DEV_POWER_USAGE", "nvidia_smi_power_draw_watts"),
    "gpu_power_limit": (
        "DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "DCGM_FI_DEV_POWER_MGMT_LIMIT", "nvidia_smi_enforced_power_limit_watts",
        "nvidia_smi_power_limit_watts",
    ),
    "gpu_energy": ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",),
    "gpu_clock_sm": ("DCGM_FI_DEV_SM_CLOCK", "nvidia_smi_clocks_current_sm_clock_hz"),
    "gpu_clock_memory": ("DCGM_FI_DEV_MEM_CLOCK", "nvidia_smi_clocks_current_memory_clock_hz"),
    "gpu_fan_speed": ("DCGM_FI_DEV_FAN_SPEED", "nvidia_smi_fan_speed_ratio"),
    "gpu_pcie_rx": ("DCGM_FI_PROF_PCIE_RX_BYTES",),
    "gpu_pcie_tx": ("DCGM_FI_PROF_PCIE_TX_BYTES",),
    "gpu_nvlink_rx": ("DCGM_FI_PROF_NVLINK_RX_BYTES",),
    "gpu_nvlink_tx": ("DCGM_FI_PROF_NVLINK_TX_BYTES",),
    "gpu_ecc_errors": ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "nvidia_smi_ecc_errors_uncorrected_volatile_total"),
    "gpu_ecc_errors_corrected": ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "nvidia_smi_ecc_errors_corrected_volatile_total"),
    "gpu_ecc_errors_sram": ("DCGM_FI_DEV_ECC_DBE_VOL_SRM",),
    "gpu_ecc_errors_dram": ("DCGM_FI_DEV_ECC_DBE_VOL_DEV",),
    "gpu_ecc_errors_corrected_sram": ("DCGM_FI_DEV_ECC_SBE_VOL_SRM",),
    "gpu_ecc_errors_corrected_dram": ("DCGM_FI_DEV_ECC_SBE_VOL_DEV",),
    "gpu_row_remap_pending": ("DCGM_FI_DEV_ROW_REMAP_PENDING",),
    "gpu_row_remap_failure": ("DCGM_FI_DEV_ROW_REMAP_FAILURE",),
    "gpu_rows_remapped_correctable": ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",),
    "gpu_rows_remapped_uncorrectable": ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",),
    "gpu_retired_pages_single_bit": ("DCGM_FI_DEV_RETIRED_SBE", "nvidia_smi_retired_pages_single_bit_ecc_count"),
    "gpu_retired_pages_double_bit": ("DCGM_FI_DEV_RETIRED_DBE", "nvidia_smi_retired_pages_double_bit_count"),
    "gpu_retired_pages_pending": ("DCGM_FI_DEV_RETIRED_PENDING", "nvidia_smi_retired_pages_pending"),
    "gpu_pcie_replays": ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER",),
    "gpu_pcie_gen": ("DCGM_FI_DEV_PCIE_LINK_GEN", "nvidia_smi_pcie_link_gen_current"),
    "gpu_pcie_gen_max": ("DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "nvidia_smi_pcie_link_gen_max"),
    "gpu_pcie_width": ("DCGM_FI_DEV_PCIE_LINK_WIDTH", "nvidia_smi_pcie_link_width_current"),
    "gpu_pcie_width_max": ("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "nvidia_smi_pcie_link_width_max"),
    "gpu_memory_temperature_limit": ("DCGM_FI_DEV_MEM_MAX_OP_TEMP",),
    "gpu_fabric_state": ("DCGM_FI_DEV_FABRIC_MANAGER_STATUS",),
    "gpu_xid": ("DCGM_FI_DEV_XID_ERRORS",),
    "gpu_throttled": (
        "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "gpu_throttle_reasons",
        "nvidia_smi_clocks_throttle_reasons_active", "nvidia_smi_clocks_event_reasons_active",
    ),
}  # fmt: skip
_FLAGS = frozenset({"gpu_row_remap_pending", "gpu_row_remap_failure", "gpu_retired_pages_pending"})
_MASK = (
    "the mask is one field for each reason: gpu_throttle_hw_thermal, gpu_throttle_hw_power_brake, "
    "gpu_throttle_sw_power_cap and so on; gpu_throttled is hardware slowdown, heat or a power brake"
)
_SEVERAL = {
    **dict.fromkeys(_METRICS["gpu_throttled"], _MASK),
    "DCGM_FI_DEV_XID_ERRORS": "write gpu_xid == 79 for the last error, or gpu_xid_age < 5m for one that is recent",
    "DCGM_FI_DEV_FABRIC_MANAGER_STATUS": "write gpu_fabric_state == 'failed'",
    "up": "write telemetry_age > 1m: no telemetry for that long",
}
"""Metrics for which more is to be said than the name of a field."""
FIELD_OF = {metric: field for field, metrics in _METRICS.items() for metric in metrics}
"""The field that a source fills from each metric of an exporter."""

_UNITS = {
    "gpu_memory_used": "bytes", "gpu_memory_free": "bytes", "gpu_memory_total": "bytes",
    "gpu_memory_reserved": "bytes", "gpu_utilization": "percent", "gpu_memory_busy": "percent",
    "gpu_fan_speed": "percent", "gpu_energy": "joules", "gpu_clock_sm": "hertz", "gpu_clock_memory": "hertz",
}  # fmt: skip

INSTEAD_OF_FUNCTION = {
    "absent": "write x IS MISSING, or telemetry_age > 1m if nothing is reported at all",
    "absent_over_time": "write count_over_time(x[5m]) == 0",
    "present_over_time": "write count_over_time(x[5m]) > 0",
    "idelta": "write delta(x[5m])",
    "irate": "write rate(x[5m])",
    "double_exponential_smoothing": "write avg_over_time(x[5m]), or predict_linear(x[5m], 60s)",
    "resets": "rate(x[5m]) and increase(x[5m]) account for counter resets",
    "time": "a condition has no absolute time: gpu_xid_age and transfer_age are ages, and hour, weekday and "
    "time_of_day give the time",
    "now": "a condition has no absolute time: hour, weekday and time_of_day give the time",
    "timestamp": "telemetry_age is the age of the snapshot",
    "day_of_week": "write weekday == 'mon'",
    "minute": "write time_of_day >= 22:30",
    "topk": "compare with max(x): gpu_power >= max(gpu_power)",
    "bottomk": "compare with min(x): gpu_power <= min(gpu_power)",
    "group": "write any(…)",
    "on": "there is no vector matching: all fields of a condition are of one GPU",
    "ignoring": "there is no vector matching: all fields of a condition are of one GPU",
    "histogram_quantile": "write quantile_over_time(0.95, x[5m])",
    "stddev": "write stddev_over_time(x[5m])",
    "scalar": "write the value without a function",
    "vector": "write the number without a function",
    "clamp_max": "write least(x, 100)",
    "clamp_min": "write greatest(x, 0)",
    "len": "write length(x)",
    "ifnull": "write coalesce(x, 0)",
    "isnull": "write x IS MISSING",
    "contains": "write path CONTAINS 'x'",
    "startswith": "write path STARTSWITH 'x'",
    "endswith": "write path ENDSWITH 'x'",
}
"""What to write for functions of other languages, by their names in lower case."""

INSTEAD_OF_WORD = {
    "BY": "there is no grouping: rules apply to one node, and any(…), all(…), count(…) and max(…) range over all its "
    "GPUs",
    "WITHOUT": "there is no grouping: rules apply to one node, and any(…), all(…) and count(…) range over all its GPUs",
    "OFFSET": "there is no offset: compare over a window, such as delta(x[5m]) or avg_over_time(x[5m])",
    "UNLESS": "write AND NOT",
    "IF": "leave it out: a condition is just what must be true, as in gpu_memory > 80",
    "WHEN": "leave it out: a condition is just what must be true, as in gpu_memory > 80",
    "BOOL": "leave it out: a comparison is true or false",
    "ON": INSTEAD_OF_FUNCTION["on"],
    "IGNORING": INSTEAD_OF_FUNCTION["ignoring"],
    "GROUP_LEFT": INSTEAD_OF_FUNCTION["on"],
    "GROUP_RIGHT": INSTEAD_OF_FUNCTION["on"],
}
"""What to do about words of other languages, in upper case."""


ACTION_NAMES = (
    "reduce_prefetch", "delay_transfer", "increase_priority", "stage_transfer", "limit_bandwidth", "limit_concurrency",
    "pause_transfer", "log", "webhook", "alertmanager", "pagerduty", "slack", "email", "exec", "kubernetes", "slurm",
)  # fmt: skip
"""The actions that ship, which conditions know only to say that they do not belong there."""
NO_ACTION_HERE = "a condition only says when; what to do is written beside it, as in action: {}"


def for_action(name: str = "delay_transfer") -> str:
    """Return where the action *name* is written that was found in a condition."""
    return NO_ACTION_HERE.format(name)


def for_metric(name: str) -> str | None:
    """Return the field to write for a metric of an exporter, None if *name* is not one."""
    if name in _SEVERAL:
        return _SEVERAL[name]
    found = FIELD_OF.get(name)
    if found is not None:
        unit = _UNITS.get(found)
        more = ", which stands alone" if found in _FLAGS else f", which is in {unit}" if unit else ""
        return f"write {found}{more}"
    if re.match(r"DCGM_FI_|nvidia_smi_|all_smi_|xpum_", name):
        return for_fed_metric(name, "gpu")
    return None


def for_fed_metric(name: str, scope: str) -> str:
    """Return how a field is declared that the metric *name* fills."""
    return (
        f"no field corresponds to this metric; declare one under fields:, such as my_field: "
        f"{{type: number, scope: {scope}, from: {{prometheus: {name}}}}}"
    )


def for_metric_of_node(name: str) -> str | None:
    """Return the same for a metric that exporters of nodes, clusters and schedulers have, None if *name* is not one."""
    return (
        for_fed_metric(name, "node")
        if re.match(r"(node|kube|slurm|container|process|redfish|ipmi)_\w+$", name)
        else None
    )
