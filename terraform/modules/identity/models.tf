# Every model runs as `model` of its namespace and may read the weights, which Jobs write as `weights-writer`; load tests write
# what they measured as `results-writer`. A model that needs something else says so in its folder:
#
#   environments/<env>/models/<model>/identity.yaml
#     serviceAccount: chat              # an account of its own, named in the model's pod template
#     namespace: models                 # may be left out: the first of model_namespaces
#     buckets:                          # beside the weights
#       - {name: my-adapters, prefix: chat/}

locals {
  identity_files = fileset(var.environment_directory, "models/*/identity.yaml")

  exceptions = {
    for file in local.identity_files : split("/", file)[1] => merge(
      { namespace = sort(var.model_namespaces)[0], buckets = [] },
      try(yamldecode(file("${var.environment_directory}/${file}")), {}),
    )
  }

  model_accounts = merge(
    {
      model = {
        description      = "Models read their weights"
        service_accounts = [for namespace in sort(var.model_namespaces) : { namespace = namespace, name = "model" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.read_weights.json
      }
    },
    {
      weights-writer = {
        description      = "Jobs copy models to the bucket of weights"
        service_accounts = [for namespace in sort(var.model_namespaces) : { namespace = namespace, name = "weights-writer" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.write_weights.json
      }
    },
    {
      results-writer = {
        description      = "Load tests write what they measured"
        service_accounts = [for namespace in sort(var.model_namespaces) : { namespace = namespace, name = "results-writer" }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.write_results.json
      }
    },
    {
      for model, exception in local.exceptions : "model-${model}" => {
        description      = "Model ${model} reads its weights and what its identity.yaml names"
        service_accounts = [{ namespace = exception.namespace, name = try(exception.serviceAccount, "") }]
        managed_policy   = null
        policy           = data.aws_iam_policy_document.exception[model].json
      }
    },
  )
}

resource "terraform_data" "exceptions" {
  for_each = local.exceptions

  input = keys(each.value)

  lifecycle {
    precondition {
      condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", each.value.serviceAccount)) && !contains(["model", "weights-writer", "results-writer"], try(each.value.serviceAccount, ""))
      error_message = "models/${each.key}/identity.yaml: serviceAccount is \"${try(each.value.serviceAccount, "")}\"; expected the name of an account of its own (a DNS label, none of \"model\", \"weights-writer\" and \"results-writer\", which all models share)."
    }
    precondition {
      condition     = contains(var.model_namespaces, each.value.namespace)
      error_message = "models/${each.key}/identity.yaml: namespace is \"${each.value.namespace}\"; expected one of model_namespaces (${join(", ", var.model_namespaces)})."
    }
    precondition {
      condition     = length(setsubtract(keys(each.value), ["serviceAccount", "namespace", "buckets"])) == 0
      error_message = "models/${each.key}/identity.yaml has ${join(", ", setsubtract(keys(each.value), ["serviceAccount", "namespace", "buckets"]))}; known are serviceAccount, namespace and buckets."
    }
    precondition {
      condition     = alltrue([for bucket in each.value.buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket.name)) && can(regex("^[^*?]*$", try(bucket.prefix, "")))])
      error_message = "models/${each.key}/identity.yaml: buckets needs for each entry the name of an S3 bucket and perhaps a prefix, neither with * or ?."
    }
  }
}

data "aws_iam_policy_document" "read_weights" {
  statement {
    sid       = "ListWeights"
    actions   = ["s3:ListBucket"]
    resources = [var.models_bucket_arn]
  }
  statement {
    sid       = "ReadWeights"
    actions   = ["s3:GetObject"]
    resources = ["${var.models_bucket_arn}/*"]
  }
  statement {
    sid       = "DecryptWeights"
    actions   = ["kms:Decrypt"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "write_weights" {
  source_policy_documents = [data.aws_iam_policy_document.read_weights.json]

  # Large files go up in parts, which are asked for again after an interruption.
  statement {
    sid       = "WriteWeights"
    actions   = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${var.models_bucket_arn}/*"]
  }
  statement {
    sid       = "EncryptWeights"
    actions   = ["kms:GenerateDataKey"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}

# Clients of load tests run images of others, so they may read nothing, and write below one folder alone.
data "aws_iam_policy_document" "write_results" {
  statement {
    sid       = "WriteResults"
    actions   = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${var.models_bucket_arn}/load-tests/*"]
  }
  # S3 decrypts the parts of a large file to put them together.
  statement {
    sid       = "EncryptResults"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.data_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "exception" {
  for_each = local.exceptions

  source_policy_documents = [data.aws_iam_policy_document.read_weights.json]

  dynamic "statement" {
    for_each = { for index, bucket in each.value.buckets : index => bucket }

    content {
      sid       = "List${statement.key}"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${var.partition}:s3:::${statement.value.name}"]

      dynamic "condition" {
        for_each = compact([try(statement.value.prefix, "")])

        content {
          test     = "StringLike"
          variable = "s3:prefix"
          values   = ["${condition.value}*"]
        }
      }
    }
  }

  dynamic "statement" {
    for_each = { for index, bucket in each.value.buckets : index => bucket }

    content {
      sid       = "Read${statement.key}"
      actions   = ["s3:GetObject"]
      resources = ["arn:${var.partition}:s3:::${statement.value.name}/${try(statement.value.prefix, "")}*"]
    }
  }
}
