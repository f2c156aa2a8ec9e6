"""The output of tools for Intel GPUs: xpu-smi (JSON, and its dump as CSV) and intel_gpu_top."""
