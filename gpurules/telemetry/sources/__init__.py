"""The sources of one module each; NVML, AMD SMI and the rest of the vendors have rooms of their own."""
