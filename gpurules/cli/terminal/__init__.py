"""What is shown: data and messages, progress, times."""
