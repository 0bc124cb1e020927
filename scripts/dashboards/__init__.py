"""The platform's dashboards, written down with Grafana's typed builders; generate_dashboards.py writes the files."""
