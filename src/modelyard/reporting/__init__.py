"""A report as text, JSON, SARIF, JUnit or GitHub annotations."""
