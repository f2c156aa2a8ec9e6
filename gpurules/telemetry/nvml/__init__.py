"""NVIDIA GPUs through NVML.

::

    factory --> reader --> board --> readings, health, counters, processes    what is read of one GPU
                                     calls          descriptions of single calls
                       --> xid       events, in a thread
                           library   the door to pynvml

The entry point is ``factory``; the sampler runs ``reader`` in a process of its own, because NVML can hang.
"""
