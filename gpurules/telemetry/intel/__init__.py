"""Intel GPUs: through xpu-smi, or through the files of the drivers where it is not installed."""
