"""Tests of rehearsals, and of schemas against the API server that a rehearsal starts."""
