"""Where pods can run: node pools, instance types and zones, by Karpenter's rules."""
