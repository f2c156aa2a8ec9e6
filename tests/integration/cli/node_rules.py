"""A ruleset and a transfer for commands about decisions."""

TRANSFER = '{"id": "t-17", "path": "/data/shard.tar", "size": 5000000000}'
RULESET = """\
version: 1
name: node
rules:
  - name: weights_first
    condition: gpu_memory > 80 AND file_type == 'model'
    action: increase_priority
    parameters: {priority_boost: 50}
  - name: hold_large
    condition: gpu_memory > 80 AND transfer_size > 1GiB
    action: delay_transfer
    parameters: {delay: 30s}
"""
