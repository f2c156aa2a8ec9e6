"""How recorded and scraped telemetry is written, one module a format; each turns text into the model's facts."""
