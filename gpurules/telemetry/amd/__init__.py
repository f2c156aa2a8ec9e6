"""AMD GPUs through the module amdsmi, or the programs amd-smi and rocm-smi."""
