"""Metrics in the Prometheus text format or OpenMetrics.

    lines --> samples (one a line) --> scrapes (where one snapshot ends, samples of one node) --> an exporter's module

``dcgm``, ``nvidia_gpu_exporter``, ``xpum`` and ``all_smi`` each turn the samples of one scrape into GPUs.
"""
