"""The output of AMD's tools: amd-smi and rocm-smi, as JSON."""
