"""What the programs of AMD write: amd-smi and rocm-smi, as JSON."""
