r"""The output of nvidia-smi, in every format.

    csv/ (--query-gpu) -----------\
    smi_xml (-q -x) -> smi_tree ---+--> cells by query field --> query_fields.gpu_from_cells --> GPU
    smi_text (-q) ---> smi_tree --/
    capture: sections of several commands, each read by one of these
"""
