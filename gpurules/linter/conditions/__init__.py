"""The parts of conditions as they are written: comparisons, junctions, limits of hours, and usual scales."""
