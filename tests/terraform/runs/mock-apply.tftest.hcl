# An apply by a mocked provider: values flow from module to module as they would when resources are made.

mock_provider "aws" {
  source = "./mocks"
}

run "apply" {
  command = apply

  assert {
    condition     = output.cluster_name == var.cluster_name
    error_message = "the output cluster_name differs from the variable"
  }
}
