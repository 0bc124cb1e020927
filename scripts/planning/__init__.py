"""Measurements that the speed of deployments is fitted on."""
