"""What Terraform makes for one environment, evaluated, with the line of everything."""

from modelyard.cluster.terraform.blocks import Block, LineAddress, Terraform, association
from modelyard.cluster.terraform.reading import Reading, TerraformReader

__all__ = ["Block", "LineAddress", "Reading", "Terraform", "TerraformReader", "association"]
