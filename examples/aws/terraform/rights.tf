# The bucket of the journal and the rights of application.yml: of the servers, of those that roll, and of GitHub Actions.

data "aws_partition" "own" {}

locals {
  prefix = "arn:${data.aws_partition.own.partition}"
}

# What the agent of Systems Manager needs, and nothing else. The servers need no right on the load balancer.
data "aws_iam_policy_document" "server" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "server" {
  name_prefix        = "${var.name}-server-"
  assume_role_policy = data.aws_iam_policy_document.server.json
}

resource "aws_iam_role_policy_attachment" "server" {
  role       = aws_iam_role.server.name
  policy_arn = "${local.prefix}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "server" {
  name_prefix = "${var.name}-"
  role        = aws_iam_role.server.name
}

# Rollouts are recorded here when katakei.yml names it, so that every job and every person sees the same history.
# Terraform refuses to delete it, and the CloudFormation stack keeps it.
resource "aws_s3_bucket" "journal" {
  bucket_prefix = "${var.name}-journal-"
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "journal" {
  bucket = aws_s3_bucket.journal.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "journal" {
  bucket = aws_s3_bucket.journal.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "journal" {
  bucket                  = aws_s3_bucket.journal.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "journal" {
  statement {
    sid       = "OnlyEncryptedConnections"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.journal.arn, "${aws_s3_bucket.journal.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
  statement {
    sid       = "EventsAreWrittenOnce"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.journal.arn}/katakei/rollouts/*/events/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
  }
}

resource "aws_s3_bucket_policy" "journal" {
  bucket = aws_s3_bucket.journal.id
  policy = data.aws_iam_policy_document.journal.json
}

# The rights that a rollout needs, by a person, a server, or a job. Only these servers, and only this group.
data "aws_iam_policy_document" "rollout" {
  statement {
    sid    = "Read"
    effect = "Allow"
    actions = [
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetHealth",
      "ec2:DescribeInstances",
      "ssm:DescribeInstanceInformation",
      "ssm:ListCommandInvocations",
      "ssm:GetCommandInvocation",
    ]
    resources = ["*"]
  }
  statement {
    sid       = "OneTargetOutAndBack"
    effect    = "Allow"
    actions   = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
    resources = [aws_lb_target_group.main.arn]
  }
  statement {
    sid       = "WorkOnTheServers"
    effect    = "Allow"
    actions   = ["ssm:SendCommand"]
    resources = aws_instance.server[*].arn
  }
  statement {
    sid       = "WorkIsAShellScript"
    effect    = "Allow"
    actions   = ["ssm:SendCommand"]
    resources = ["${local.prefix}:ssm:${var.region}::document/AWS-RunShellScript"]
  }
  statement {
    sid       = "JournalEntries"
    effect    = "Allow"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.journal.arn}/*"]
  }
  statement {
    sid       = "JournalList"
    effect    = "Allow"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.journal.arn]
  }
}

resource "aws_iam_policy" "rollout" {
  name_prefix = "${var.name}-rollout-"
  description = "Roll the servers of one target group with Katakei"
  policy      = data.aws_iam_policy_document.rollout.json
}

data "aws_iam_policy_document" "ci" {
  count = var.github_repository == "" ? 0 : 1
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [var.github_provider]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.github_repository}:environment:production"]
    }
  }
}

resource "aws_iam_role" "ci" {
  count                = var.github_repository == "" ? 0 : 1
  name_prefix          = "${var.name}-ci-"
  description          = "GitHub Actions, in the production environment of one repository"
  max_session_duration = 7200
  assume_role_policy   = data.aws_iam_policy_document.ci[0].json
}

resource "aws_iam_role_policy_attachment" "ci" {
  count      = var.github_repository == "" ? 0 : 1
  role       = aws_iam_role.ci[0].name
  policy_arn = aws_iam_policy.rollout.arn
}
