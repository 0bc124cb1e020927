"""Facts about hardware, models and engines; typed, sourced, dated."""
