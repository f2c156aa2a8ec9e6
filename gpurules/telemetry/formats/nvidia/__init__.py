"""What nvidia-smi writes, in every form.

    csv/ (--query-gpu) -----------\
    smi_xml (-q -x) -> smi_tree ---+--> cells by query field --> query_fields.gpu_from_cells --> GPU
    smi_text (-q) ---> smi_tree --/
    capture: sections of several commands, each read by one of these
"""
