r"""Parsers of recorded and scraped telemetry: one package per vendor, and one for Prometheus text.

    RecordingReader (recordings/) --> recognizes(head)? --> read(recording) --> Snapshot, Snapshot, …
                                                              |
    nvidia/      nvidia-smi: CSV, XML, text, captures ---> query_fields ---\
    amd/         amd-smi, rocm-smi                     ---------------------+--> GPU
    intel/       xpu-smi, intel_gpu_top                ---------------------/
    prometheus/  exporters of any vendor: samples -> scrapes -> one module per exporter
    jsonl        the project's own recording

Every module of a format has ``recognizes`` and ``read``; ``telemetry.playback.FORMATS`` lists them in the order in
which they are tried, and is their one entry point. ``cells`` (one cell to a number in canonical units, or the reason
why there is none) and ``json_documents`` are shared by all formats; ``refusals`` names what no format
reads.
"""
