output "url" {
  value = "http://${aws_lb.main.dns_name}/"
}

output "target_group" {
  value = aws_lb_target_group.main.arn
}

output "journal" {
  value = "s3://${aws_s3_bucket.journal.id}/katakei"
}

output "rollout_policy" {
  value = aws_iam_policy.rollout.arn
}

output "ci_role" {
  value = one(aws_iam_role.ci[*].arn)
}

output "database_address" {
  value = one(aws_db_instance.database[*].address)
}
