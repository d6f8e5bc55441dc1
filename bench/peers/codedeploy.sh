#!/bin/sh
# What CodeDeploy's sample scripts for target groups do (aws-samples/aws-codedeploy-samples, load-balancing/elb-v2),
# written again in short: take one instance out, ask every 10 s until it is `unused`, deploy, put it back, ask every
# 10 s until it is `healthy`. As there, each question reads the target group first, and a timeout is a failure.
# The agent and the service of CodeDeploy are not part of it: they would add their own time.
set -eu
PAUSE=10

group() { # Prints a field of the target group.
  aws elbv2 describe-target-groups --target-group-arns "$TARGET_GROUP_ARN" --query "TargetGroups[0].$1" --output text
}

state() { # Prints the state of an instance.
  aws elbv2 describe-target-health --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$1,Port=$(group Port)" \
    --query 'TargetHealthDescriptions[0].TargetHealth.State' --output text
}

await() { # Waits until an instance is in a state, for this many seconds and 30 more.
  left=$((($3 + 30) / PAUSE))
  while [ "$(state "$1")" != "$2" ]; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      echo "$1 did not become $2" >&2
      exit 1
    fi
    sleep "$PAUSE"
  done
}

delay=$(aws elbv2 describe-target-group-attributes --target-group-arn "$TARGET_GROUP_ARN" --output text \
  --query "Attributes[?Key=='deregistration_delay.timeout_seconds'].Value")
checks=$(($(group HealthyThresholdCount) * ($(group HealthCheckTimeoutSeconds) + $(group HealthCheckIntervalSeconds))))
for server; do
  id=${server%%=*} folder=${server#*=}
  aws elbv2 deregister-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  await "$id" unused "$delay"
  (cd "$folder" && sh -c "$WORK")
  aws elbv2 register-targets --target-group-arn "$TARGET_GROUP_ARN" --targets "Id=$id"
  await "$id" healthy "$checks"
done
