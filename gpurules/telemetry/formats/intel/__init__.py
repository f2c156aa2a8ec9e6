"""What the programs for Intel GPUs write: xpu-smi (JSON and its dump as CSV) and intel_gpu_top."""
