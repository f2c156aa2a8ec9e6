"""Logs of ``nvidia-smi --query-gpu``, one row for each GPU and poll.

    lines --> header (which columns) --> rows (each fits its header, or repairs) --> identity (which GPU a row is of)
          --> log (one snapshot for each poll)

``log.read`` is the entry point; ``advice`` guesses the columns of a log without a header for the error message.
"""
