"""The kinds of source that `modelyard import` reads or refuses by name, one module each."""
