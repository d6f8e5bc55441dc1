#!/bin/sh
# As people write it who read `draining` as "nothing reaches it any more".
set -eu
state() {
  aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$1" \
    --query 'TargetHealthDescriptions[0].TargetHealth.State' --output text
}
for server; do
  id=${server%%=*} folder=${server#*=}
  aws elbv2 deregister-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  until [ "$(state "$id")" = draining ]; do sleep 1; done
  (cd "$folder" && sh -c "$WORK")
  aws elbv2 register-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  until [ "$(state "$id")" = healthy ]; do sleep 2; done
done
