#!/bin/sh
# As it stands in runbooks: one server after the other, each step waited for by the tool's own waiters.
set -eu
for server; do
  id=${server%%=*} folder=${server#*=}
  aws elbv2 deregister-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  aws elbv2 wait target-deregistered --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  (cd "$folder" && sh -c "$WORK")
  aws elbv2 register-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  aws elbv2 wait target-in-service --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
done
