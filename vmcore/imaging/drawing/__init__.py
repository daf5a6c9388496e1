"""Find what people and scanners draw over a scan: in colour, or in white and grey."""
