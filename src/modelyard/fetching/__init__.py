"""Filling the locked caches of charts and CRDs: the only room that uses the network."""
