"""What Terraform makes for one environment, evaluated, with the line of everything."""

from modelyard.view.terraform.blocks import Block, LineAddress, Terraform, association
from modelyard.view.terraform.reading import TerraformReader, TerraformResult

__all__ = ["Block", "LineAddress", "Terraform", "TerraformReader", "TerraformResult", "association"]
