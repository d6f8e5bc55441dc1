BEGIN TRANSACTION;
CREATE TABLE events (
	rollout TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	PRIMARY KEY (rollout, number), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "events" VALUES('r-every-setting',1,'{"kind": "Planned", "at": "2026-11-22T21:00:00.650000+00:00", "plan": {"rollout": "r-every-setting", "kind": "roll", "spec": {"service": "shop", "groups": ["every-setting"], "work": {"executor": "local", "run": "", "argv": ["./deploy.sh", "--host", "$KATAKEI_ADDRESS"], "env": [{"name": "APP_ENV", "value": "production", "secret": "", "ssm_parameter": ""}, {"name": "TOKEN", "value": null, "secret": "DEPLOY_TOKEN", "ssm_parameter": ""}]}, "targets": {"only": [], "tags": [["Role", "web"], ["Team", "store"]]}, "late": "roll", "window": {"max_unavailable": {"count": null, "percent": 50}, "floor": {"count": null, "percent": 40}, "floor_per_zone": 1, "order": "listed"}, "drain": {"settle": "PT45S", "until": "counter", "quiet": "PT10S", "witness": "ssm", "counter": {"command": "", "url": "http://127.0.0.1:8081/status", "field": "in_flight"}, "cut_after": "PT120S"}, "check": {"http": {"path": "/ready", "expect": "200-204", "port": 8080}, "within": "PT90S", "asked": true}, "soak": "PT60S", "limits": {"draining_extra": "PT600S", "draining_from_delay": false, "working": "PT1200S", "warming": "PT360S", "waiting": "PT2400S"}, "on_failure": {"max_failures": 2, "failed_target": "put_back", "then": "revert"}, "revert": {"executor": "ssm", "run": "./undo", "argv": [], "env": [{"name": "APP_ENV", "value": "production", "secret": "", "ssm_parameter": ""}, {"name": "KEY", "value": null, "secret": "", "ssm_parameter": "/shop/key"}]}}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "name": "every-setting", "port": 80, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT60S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT10S", "timeout": "PT5S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-00000000000000001", "name": "web1", "address": "10.0.0.1", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "id": "i-00000000000000001", "port": 80, "zone": null}]}, {"id": "i-00000000000000002", "name": "web2", "address": "10.0.0.2", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "id": "i-00000000000000002", "port": 80, "zone": null}]}, {"id": "i-00000000000000003", "name": "web3", "address": "10.0.0.3", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "id": "i-00000000000000003", "port": 80, "zone": null}]}, {"id": "i-00000000000000004", "name": "web4", "address": "10.0.0.4", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "id": "i-00000000000000004", "port": 80, "zone": null}]}], "bystanders": [{"id": "i-00000000000000005", "name": "web5", "address": "10.0.0.5", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "id": "i-00000000000000005", "port": 80, "zone": null}]}], "window": 2, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef": {"count": 2, "base": 5, "per_zone": 1}}, "who": "kim@deploy-1 (pid 22701)", "versions": {"katakei": "0.1.0", "events": "2"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-every-setting',2,'{"kind": "Taken", "at": "2026-11-22T21:00:00.650000+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 22701, "started": 227010, "boot": "00000000-0000-4000-8000-000000000000", "scheme": "linux/1", "nonce": "0000000000022701"}, "marks": "deploy-1 00000000-0000-4000-8000-000000000000 pid:[4026531836] k3v9x2m7p4qd", "revert_marks": "", "version": 2}');
INSERT INTO "events" VALUES('r-every-setting',3,'{"kind": "Baselined", "at": "2026-11-22T21:00:00.750000+00:00", "target": "i-00000000000000001", "blind": ""}');
INSERT INTO "events" VALUES('r-every-setting',4,'{"kind": "Baselined", "at": "2026-11-22T21:00:00.750000+00:00", "target": "i-00000000000000002", "blind": ""}');
INSERT INTO "events" VALUES('r-every-setting',5,'{"kind": "Moved", "at": "2026-11-22T21:00:00.750000+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',6,'{"kind": "Moved", "at": "2026-11-22T21:00:00.750000+00:00", "target": "i-00000000000000002", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',7,'{"kind": "Deregistered", "at": "2026-11-22T21:00:00.770000+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef", "targets": ["i-00000000000000001", "i-00000000000000002"]}');
INSERT INTO "events" VALUES('r-every-setting',8,'{"kind": "SeenOut", "at": "2026-11-22T21:00:01.570000+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-every-setting',9,'{"kind": "SeenOut", "at": "2026-11-22T21:00:01.570000+00:00", "target": "i-00000000000000002"}');
INSERT INTO "events" VALUES('r-every-setting',10,'{"kind": "Moved", "at": "2026-11-22T21:00:46.870000+00:00", "target": "i-00000000000000001", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',11,'{"kind": "Moved", "at": "2026-11-22T21:00:46.870000+00:00", "target": "i-00000000000000002", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',12,'{"kind": "Moved", "at": "2026-11-22T21:00:46.870000+00:00", "target": "i-00000000000000001", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',13,'{"kind": "Moved", "at": "2026-11-22T21:00:46.870000+00:00", "target": "i-00000000000000002", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-every-setting',14,'{"kind": "Started", "at": "2026-11-22T21:00:47.170000+00:00", "key": {"rollout": "r-every-setting", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "ticket": "deploy-1 00000000-0000-4000-8000-000000000000 pid:[4026531836] k3v9x2m7p4qd"}');
INSERT INTO "events" VALUES('r-every-setting',15,'{"kind": "Started", "at": "2026-11-22T21:00:47.170000+00:00", "key": {"rollout": "r-every-setting", "target": "i-00000000000000002", "attempt": 1, "intent": "update"}, "ticket": "deploy-1 00000000-0000-4000-8000-000000000000 pid:[4026531836] k3v9x2m7p4qd"}');
INSERT INTO "events" VALUES('r-seen',1,'{"kind": "Planned", "at": "2026-11-22T22:00:00.650000+00:00", "plan": {"rollout": "r-seen", "kind": "roll", "spec": {"service": "shop", "groups": ["seen"], "work": {"executor": "ssm", "run": "./deploy", "argv": [], "env": []}, "targets": {"only": [], "tags": [["Role", "web"]]}, "late": "roll", "window": {"max_unavailable": {"count": 1, "percent": null}, "floor": {"count": null, "percent": 50}, "floor_per_zone": 0, "order": "zone"}, "drain": {"settle": "PT30S", "until": "proof", "quiet": "PT5S", "witness": "ssm", "counter": null, "cut_after": "PT60S"}, "check": {"http": null, "within": "PT60S", "asked": true}, "soak": "PT10S", "limits": {"draining_extra": "PT60S", "draining_from_delay": true, "working": "PT900S", "warming": "PT300S", "waiting": "PT1800S"}, "on_failure": {"max_failures": 1, "failed_target": "keep_out", "then": "revert"}, "revert": {"executor": "ssm", "run": "./undo", "argv": [], "env": []}}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "name": "seen", "port": 80, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT300S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT10S", "timeout": "PT5S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-00000000000000001", "name": "web1", "address": "10.0.0.1", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "id": "i-00000000000000001", "port": 80, "zone": null}]}, {"id": "i-00000000000000003", "name": "web3", "address": "10.0.0.3", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "id": "i-00000000000000003", "port": 80, "zone": null}]}, {"id": "i-00000000000000002", "name": "web2", "address": "10.0.0.2", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "id": "i-00000000000000002", "port": 80, "zone": null}]}], "bystanders": [], "window": 1, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef": {"count": 2, "base": 3, "per_zone": 0}}, "who": "kim@deploy-1 (pid 23001)", "versions": {"katakei": "0.1.0", "events": "2"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-seen',2,'{"kind": "Taken", "at": "2026-11-22T22:00:00.650000+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 23001, "started": 230010, "boot": "00000000-0000-4000-8000-000000000000", "scheme": "linux/1", "nonce": "0000000000023001"}, "marks": "", "revert_marks": "", "version": 2}');
INSERT INTO "events" VALUES('r-seen',3,'{"kind": "Baselined", "at": "2026-11-22T22:00:00.970000+00:00", "target": "i-00000000000000001", "blind": ""}');
INSERT INTO "events" VALUES('r-seen',4,'{"kind": "Moved", "at": "2026-11-22T22:00:00.970000+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-seen',5,'{"kind": "Deregistered", "at": "2026-11-22T22:00:01.270000+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-seen',6,'{"kind": "SeenOut", "at": "2026-11-22T22:00:01.820000+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',7,'{"kind": "SeenBusy", "at": "2026-11-22T22:00:31.890000+00:00", "target": "i-00000000000000001", "why": "2 connections, one silent for 31 s, proved at 60 s"}');
INSERT INTO "events" VALUES('r-seen',8,'{"kind": "Moved", "at": "2026-11-22T22:00:46.198705+00:00", "target": "i-00000000000000001", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',9,'{"kind": "Moved", "at": "2026-11-22T22:00:46.198705+00:00", "target": "i-00000000000000001", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',10,'{"kind": "Started", "at": "2026-11-22T22:00:46.498705+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000001"}');
INSERT INTO "events" VALUES('r-seen',11,'{"kind": "Arrived", "at": "2026-11-22T22:00:47.348705+00:00", "target": "i-00000000000000001", "requests": 3}');
INSERT INTO "events" VALUES('r-seen',12,'{"kind": "FoundServing", "at": "2026-11-22T22:00:51.774643+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',13,'{"kind": "Deregistered", "at": "2026-11-22T22:00:52.074643+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-seen',14,'{"kind": "SeenOut", "at": "2026-11-22T22:00:57.220699+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',15,'{"kind": "WorkEnded", "at": "2026-11-22T22:00:58.704698+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "exit": 0, "out": "stopping web\nrelease v2 → /srv/app/current\nweb is 再起動 (restarted)\n"}');
INSERT INTO "events" VALUES('r-seen',16,'{"kind": "Moved", "at": "2026-11-22T22:00:58.704698+00:00", "target": "i-00000000000000001", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',17,'{"kind": "Moved", "at": "2026-11-22T22:00:58.974698+00:00", "target": "i-00000000000000001", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',18,'{"kind": "Registered", "at": "2026-11-22T22:00:59.024698+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-seen',19,'{"kind": "SeenServing", "at": "2026-11-22T22:01:11.021989+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',20,'{"kind": "Moved", "at": "2026-11-22T22:01:16.071989+00:00", "target": "i-00000000000000001", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',21,'{"kind": "Fell", "at": "2026-11-22T22:01:20.371989+00:00", "target": "i-00000000000000001", "why": "", "reason": {"code": "health", "data": {"state": "unhealthy", "description": null, "overridden": false}}}');
INSERT INTO "events" VALUES('r-seen',22,'{"kind": "SeenServing", "at": "2026-11-22T22:01:24.247878+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',23,'{"kind": "Joined", "at": "2026-11-22T22:01:32.967878+00:00", "target": {"id": "i-00000000000000008", "name": "web8", "address": "10.0.0.8", "zone": "ap-northeast-1d", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "id": "i-00000000000000008", "port": 80, "zone": null}]}, "takes_part": true, "why": ""}');
INSERT INTO "events" VALUES('r-seen',24,'{"kind": "Joined", "at": "2026-11-22T22:01:32.967878+00:00", "target": {"id": "i-00000000000000009", "name": "web9", "address": "10.0.0.9", "zone": "ap-northeast-1d", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "id": "i-00000000000000009", "port": 80, "zone": null}]}, "takes_part": false, "why": "", "reason": {"code": "tags_differ", "data": {}}}');
INSERT INTO "events" VALUES('r-seen',25,'{"kind": "Moved", "at": "2026-11-22T22:01:34.297878+00:00", "target": "i-00000000000000001", "to": "done", "why": "", "intent": null, "cause": null, "reason": {"code": "health", "data": {"state": "unhealthy", "description": null, "overridden": false}}}');
INSERT INTO "events" VALUES('r-seen',26,'{"kind": "Baselined", "at": "2026-11-22T22:02:19.630155+00:00", "target": "i-00000000000000003", "blind": "while it served no data of another address was seen on port 80: it may end somewhere else"}');
INSERT INTO "events" VALUES('r-seen',27,'{"kind": "Moved", "at": "2026-11-22T22:02:19.630155+00:00", "target": "i-00000000000000003", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-seen',28,'{"kind": "Deregistered", "at": "2026-11-22T22:02:19.650155+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000003"]}');
INSERT INTO "events" VALUES('r-seen',29,'{"kind": "SeenOut", "at": "2026-11-22T22:02:20.950155+00:00", "target": "i-00000000000000003"}');
INSERT INTO "events" VALUES('r-seen',30,'{"kind": "Fell", "at": "2026-11-22T22:02:25.000155+00:00", "target": "i-00000000000000001", "why": "", "reason": {"code": "health", "data": {"state": "unhealthy", "description": null, "overridden": false}}}');
INSERT INTO "events" VALUES('r-seen',31,'{"kind": "SeenBusy", "at": "2026-11-22T22:02:51.050155+00:00", "target": "i-00000000000000003", "why": "2 connections, one silent for 31 s, proved at 60 s"}');
INSERT INTO "events" VALUES('r-seen',32,'{"kind": "Lost", "at": "2026-11-22T22:02:55.150155+00:00", "target": "i-00000000000000001", "why": "", "reason": {"code": "left_service", "data": {"why": {"code": "health", "data": {"state": "unhealthy", "description": null, "overridden": false}}}}}');
INSERT INTO "events" VALUES('r-seen',33,'{"kind": "Cut", "at": "2026-11-22T22:03:22.986982+00:00", "target": "i-00000000000000003", "connections": 2}');
INSERT INTO "events" VALUES('r-seen',34,'{"kind": "Moved", "at": "2026-11-22T22:03:22.986982+00:00", "target": "i-00000000000000003", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',35,'{"kind": "Moved", "at": "2026-11-22T22:03:22.986982+00:00", "target": "i-00000000000000003", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',36,'{"kind": "Started", "at": "2026-11-22T22:03:23.036982+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000003", "attempt": 1, "intent": "update"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000002"}');
INSERT INTO "events" VALUES('r-seen',37,'{"kind": "SeenServing", "at": "2026-11-22T22:03:23.536982+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',38,'{"kind": "WorkLost", "at": "2026-11-22T22:03:30.234560+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000003", "attempt": 1, "intent": "update"}, "begun": true}');
INSERT INTO "events" VALUES('r-seen',39,'{"kind": "Moved", "at": "2026-11-22T22:03:30.234560+00:00", "target": "i-00000000000000003", "to": "left_out", "why": "", "intent": null, "cause": "failed", "reason": {"code": "work_interrupted", "data": {"text": null}}}');
INSERT INTO "events" VALUES('r-seen',40,'{"kind": "RevertResolved", "at": "2026-11-22T22:03:30.234560+00:00", "failures": 2}');
INSERT INTO "events" VALUES('r-seen',41,'{"kind": "Moved", "at": "2026-11-22T22:03:30.234560+00:00", "target": "i-00000000000000002", "to": "skipped", "why": "", "intent": null, "cause": null, "reason": {"code": "reverted_before_turn", "data": {"by": "on_failure"}}}');
INSERT INTO "events" VALUES('r-seen',42,'{"kind": "Moved", "at": "2026-11-22T22:03:30.234560+00:00", "target": "i-00000000000000008", "to": "skipped", "why": "", "intent": null, "cause": null, "reason": {"code": "reverted_before_turn", "data": {"by": "on_failure"}}}');
INSERT INTO "events" VALUES('r-seen',43,'{"kind": "Moved", "at": "2026-11-22T22:03:30.234560+00:00", "target": "i-00000000000000003", "to": "draining", "why": "", "intent": "revert", "cause": null}');
INSERT INTO "events" VALUES('r-seen',44,'{"kind": "Deregistered", "at": "2026-11-22T22:03:30.284560+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000003"]}');
INSERT INTO "events" VALUES('r-seen',45,'{"kind": "SeenOut", "at": "2026-11-22T22:03:30.834560+00:00", "target": "i-00000000000000003"}');
INSERT INTO "events" VALUES('r-seen',46,'{"kind": "SeenBusy", "at": "2026-11-22T22:04:01.184560+00:00", "target": "i-00000000000000003", "why": "2 connections, one silent for 31 s, proved at 60 s"}');
INSERT INTO "events" VALUES('r-seen',47,'{"kind": "Cut", "at": "2026-11-22T22:04:30.980405+00:00", "target": "i-00000000000000003", "connections": 2}');
INSERT INTO "events" VALUES('r-seen',48,'{"kind": "Moved", "at": "2026-11-22T22:04:30.980405+00:00", "target": "i-00000000000000003", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',49,'{"kind": "Moved", "at": "2026-11-22T22:04:30.980405+00:00", "target": "i-00000000000000003", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',50,'{"kind": "Started", "at": "2026-11-22T22:04:31.000405+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000003", "attempt": 2, "intent": "revert"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000003"}');
INSERT INTO "events" VALUES('r-seen',51,'{"kind": "WorkEnded", "at": "2026-11-22T22:04:39.790509+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000003", "attempt": 2, "intent": "revert"}, "exit": 0, "out": "stopping web\nrelease v2 → /srv/app/current\nweb is 再起動 (restarted)\n"}');
INSERT INTO "events" VALUES('r-seen',52,'{"kind": "Moved", "at": "2026-11-22T22:04:39.790509+00:00", "target": "i-00000000000000003", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',53,'{"kind": "Moved", "at": "2026-11-22T22:04:40.090509+00:00", "target": "i-00000000000000003", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',54,'{"kind": "Registered", "at": "2026-11-22T22:04:40.140509+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000003"]}');
INSERT INTO "events" VALUES('r-seen',55,'{"kind": "SeenServing", "at": "2026-11-22T22:04:41.190509+00:00", "target": "i-00000000000000003"}');
INSERT INTO "events" VALUES('r-seen',56,'{"kind": "Moved", "at": "2026-11-22T22:04:46.210509+00:00", "target": "i-00000000000000003", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',57,'{"kind": "Moved", "at": "2026-11-22T22:04:51.240509+00:00", "target": "i-00000000000000003", "to": "done", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',58,'{"kind": "Moved", "at": "2026-11-22T22:04:51.240509+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "revert", "cause": null}');
INSERT INTO "events" VALUES('r-seen',59,'{"kind": "Deregistered", "at": "2026-11-22T22:04:51.290509+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-seen',60,'{"kind": "SeenOut", "at": "2026-11-22T22:04:51.840509+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-seen',61,'{"kind": "Moved", "at": "2026-11-22T22:05:21.910509+00:00", "target": "i-00000000000000001", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',62,'{"kind": "Moved", "at": "2026-11-22T22:05:21.910509+00:00", "target": "i-00000000000000001", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',63,'{"kind": "Started", "at": "2026-11-22T22:05:21.960509+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000001", "attempt": 2, "intent": "revert"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000004"}');
INSERT INTO "events" VALUES('r-seen',64,'{"kind": "Arrived", "at": "2026-11-22T22:05:22.760509+00:00", "target": "i-00000000000000001", "requests": 3}');
INSERT INTO "events" VALUES('r-seen',65,'{"kind": "WorkEnded", "at": "2026-11-22T22:05:24.870509+00:00", "key": {"rollout": "r-seen", "target": "i-00000000000000001", "attempt": 2, "intent": "revert"}, "exit": 0, "out": "stopping web\nrelease v2 → /srv/app/current\nweb is 再起動 (restarted)\n"}');
INSERT INTO "events" VALUES('r-seen',66,'{"kind": "Moved", "at": "2026-11-22T22:05:24.870509+00:00", "target": "i-00000000000000001", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',67,'{"kind": "Moved", "at": "2026-11-22T22:05:25.140509+00:00", "target": "i-00000000000000001", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-seen',68,'{"kind": "TurnedDown", "at": "2026-11-22T22:05:25.160509+00:00", "target": "i-00000000000000001", "why": "not running"}');
INSERT INTO "events" VALUES('r-seen',69,'{"kind": "Moved", "at": "2026-11-22T22:05:25.160509+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "keep_out", "cause": "failed", "reason": {"code": "registration_rejected", "data": {"text": "not running"}}}');
CREATE TABLE katakei (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "katakei" VALUES('schema','2');
CREATE TABLE leases (
	group_arn TEXT NOT NULL, 
	held BOOLEAN NOT NULL, 
	epoch BIGINT NOT NULL, 
	beat BIGINT NOT NULL, 
	rollout TEXT NOT NULL, 
	since TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	started BIGINT NOT NULL, 
	boot TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	pids TEXT NOT NULL, 
	beaten TEXT, 
	PRIMARY KEY (group_arn)
);
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef',1,1,25,'r-every-setting','2026-11-27T22:31:52.000000+00:00','kim','deploy-1',22701,227010,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836] linux/1 0000000000022701','2026-11-27T22:31:53.000000+00:00');
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef',1,1,252,'r-seen','2026-11-27T22:31:53.000000+00:00','kim','deploy-1',23001,230010,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836] linux/1 0000000000023001','2026-11-27T22:32:00.000000+00:00');
CREATE TABLE rollout_groups (
	group_arn TEXT NOT NULL, 
	rollout TEXT NOT NULL, 
	PRIMARY KEY (group_arn, rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef','r-every-setting');
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef','r-seen');
CREATE TABLE rollouts (
	rollout TEXT NOT NULL, 
	service TEXT NOT NULL, 
	group_arns TEXT NOT NULL, 
	begun TEXT NOT NULL, 
	finished TEXT, 
	who TEXT NOT NULL, 
	PRIMARY KEY (rollout)
);
INSERT INTO "rollouts" VALUES('r-every-setting','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/every-setting/0123456789abcdef"]','2026-11-22T21:00:00.650000+00:00',NULL,'kim@deploy-1 (pid 22701)');
INSERT INTO "rollouts" VALUES('r-seen','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/seen/0123456789abcdef"]','2026-11-22T22:00:00.650000+00:00',NULL,'kim@deploy-1 (pid 23001)');
CREATE INDEX rollouts_by_time ON rollouts (begun);
CREATE INDEX rollouts_by_service ON rollouts (service, begun);
COMMIT;
