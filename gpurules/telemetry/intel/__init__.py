"""Intel GPUs: through xpu-smi, or without it through the files of the drivers."""
