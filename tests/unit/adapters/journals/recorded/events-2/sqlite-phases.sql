BEGIN TRANSACTION;
CREATE TABLE events (
	rollout TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	PRIMARY KEY (rollout, number), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "events" VALUES('r-working',1,'{"kind": "Planned", "at": "2026-11-22T13:20:00.090000+00:00", "plan": {"rollout": "r-working", "kind": "roll", "spec": {"service": "shop", "groups": ["working"], "work": {"executor": "ssm", "run": "./deploy", "argv": [], "env": []}, "targets": {"only": [], "tags": []}, "late": "roll", "window": {"max_unavailable": {"count": 1, "percent": null}, "floor": {"count": null, "percent": 50}, "floor_per_zone": 0, "order": "zone"}, "drain": {"settle": "PT30S", "until": "delay", "quiet": "PT5S", "witness": "", "counter": null, "cut_after": null}, "check": {"http": null, "within": "PT60S", "asked": true}, "soak": "PT30S", "limits": {"draining_extra": "PT60S", "draining_from_delay": true, "working": "PT900S", "warming": "PT300S", "waiting": "PT1800S"}, "on_failure": {"max_failures": 0, "failed_target": "keep_out", "then": "stop"}, "revert": null}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef", "name": "working", "port": 80, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT60S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT10S", "timeout": "PT5S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-00000000000000001", "name": "web1", "address": "10.0.0.1", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef", "id": "i-00000000000000001", "port": 80, "zone": null}]}, {"id": "i-00000000000000003", "name": "web3", "address": "10.0.0.3", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef", "id": "i-00000000000000003", "port": 80, "zone": null}]}, {"id": "i-00000000000000002", "name": "web2", "address": "10.0.0.2", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef", "id": "i-00000000000000002", "port": 80, "zone": null}]}], "bystanders": [], "window": 1, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef": {"count": 2, "base": 3, "per_zone": 0}}, "who": "kim@deploy-1 (pid 20401)", "versions": {"katakei": "0.1.0", "events": "2"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-working',2,'{"kind": "Taken", "at": "2026-11-22T13:20:00.090000+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 20401, "started": 204010, "boot": "00000000-0000-4000-8000-000000000000", "scheme": "linux/1", "nonce": "0000000000020401"}, "marks": "", "revert_marks": "", "version": 2}');
INSERT INTO "events" VALUES('r-working',3,'{"kind": "Moved", "at": "2026-11-22T13:20:00.440000+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-working',4,'{"kind": "Deregistered", "at": "2026-11-22T13:20:00.490000+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-working',5,'{"kind": "SeenOut", "at": "2026-11-22T13:20:01.010000+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-working',6,'{"kind": "Moved", "at": "2026-11-22T13:21:02.467765+00:00", "target": "i-00000000000000001", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-working',7,'{"kind": "Moved", "at": "2026-11-22T13:21:02.467765+00:00", "target": "i-00000000000000001", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-working',8,'{"kind": "Started", "at": "2026-11-22T13:21:02.487765+00:00", "key": {"rollout": "r-working", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000001"}');
INSERT INTO "events" VALUES('r-left-out',1,'{"kind": "Planned", "at": "2026-11-22T15:20:00.370000+00:00", "plan": {"rollout": "r-left-out", "kind": "roll", "spec": {"service": "shop", "groups": ["left-out"], "work": {"executor": "ssm", "run": "./deploy", "argv": [], "env": []}, "targets": {"only": [], "tags": []}, "late": "roll", "window": {"max_unavailable": {"count": 1, "percent": null}, "floor": {"count": null, "percent": 50}, "floor_per_zone": 0, "order": "zone"}, "drain": {"settle": "PT30S", "until": "delay", "quiet": "PT5S", "witness": "", "counter": null, "cut_after": null}, "check": {"http": null, "within": "PT60S", "asked": true}, "soak": "PT30S", "limits": {"draining_extra": "PT60S", "draining_from_delay": true, "working": "PT900S", "warming": "PT300S", "waiting": "PT1800S"}, "on_failure": {"max_failures": 0, "failed_target": "keep_out", "then": "stop"}, "revert": null}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef", "name": "left-out", "port": 80, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT60S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT10S", "timeout": "PT5S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-00000000000000001", "name": "web1", "address": "10.0.0.1", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef", "id": "i-00000000000000001", "port": 80, "zone": null}]}, {"id": "i-00000000000000003", "name": "web3", "address": "10.0.0.3", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef", "id": "i-00000000000000003", "port": 80, "zone": null}]}, {"id": "i-00000000000000002", "name": "web2", "address": "10.0.0.2", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef", "id": "i-00000000000000002", "port": 80, "zone": null}]}], "bystanders": [], "window": 1, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef": {"count": 2, "base": 3, "per_zone": 0}}, "who": "kim@deploy-1 (pid 21001)", "versions": {"katakei": "0.1.0", "events": "2"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-left-out',2,'{"kind": "Taken", "at": "2026-11-22T15:20:00.370000+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 21001, "started": 210010, "boot": "00000000-0000-4000-8000-000000000000", "scheme": "linux/1", "nonce": "0000000000021001"}, "marks": "", "revert_marks": "", "version": 2}');
INSERT INTO "events" VALUES('r-left-out',3,'{"kind": "Moved", "at": "2026-11-22T15:20:00.720000+00:00", "target": "i-00000000000000001", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-left-out',4,'{"kind": "Deregistered", "at": "2026-11-22T15:20:00.740000+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef", "targets": ["i-00000000000000001"]}');
INSERT INTO "events" VALUES('r-left-out',5,'{"kind": "SeenOut", "at": "2026-11-22T15:20:01.290000+00:00", "target": "i-00000000000000001"}');
INSERT INTO "events" VALUES('r-left-out',6,'{"kind": "Moved", "at": "2026-11-22T15:21:02.606751+00:00", "target": "i-00000000000000001", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-left-out',7,'{"kind": "Moved", "at": "2026-11-22T15:21:02.606751+00:00", "target": "i-00000000000000001", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-left-out',8,'{"kind": "Started", "at": "2026-11-22T15:21:02.906751+00:00", "key": {"rollout": "r-left-out", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "ticket": "0b8c5a1e-7d42-4c1f-9a60-000000000001"}');
INSERT INTO "events" VALUES('r-left-out',9,'{"kind": "WorkEnded", "at": "2026-11-22T15:21:09.588216+00:00", "key": {"rollout": "r-left-out", "target": "i-00000000000000001", "attempt": 1, "intent": "update"}, "exit": 1, "out": "stopping web\nrelease v2 → /srv/app/current\nweb is 再起動 (restarted)\n"}');
INSERT INTO "events" VALUES('r-left-out',10,'{"kind": "Moved", "at": "2026-11-22T15:21:09.588216+00:00", "target": "i-00000000000000001", "to": "left_out", "why": "", "intent": null, "cause": "failed", "reason": {"code": "work_failed", "data": {"exit": 1, "text": null}}}');
INSERT INTO "events" VALUES('r-left-out',11,'{"kind": "Moved", "at": "2026-11-22T15:21:09.588216+00:00", "target": "i-00000000000000003", "to": "skipped", "why": "", "intent": null, "cause": null, "reason": {"code": "too_many_failures", "data": {"failures": 1, "allowed": 0}}}');
INSERT INTO "events" VALUES('r-left-out',12,'{"kind": "Moved", "at": "2026-11-22T15:21:09.588216+00:00", "target": "i-00000000000000002", "to": "skipped", "why": "", "intent": null, "cause": null, "reason": {"code": "too_many_failures", "data": {"failures": 1, "allowed": 0}}}');
INSERT INTO "events" VALUES('r-left-out',13,'{"kind": "Finished", "at": "2026-11-22T15:21:09.588216+00:00"}');
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
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef',1,1,43,'r-working','2026-11-27T22:31:18.000000+00:00','kim','deploy-1',20401,204010,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836] linux/1 0000000000020401','2026-11-27T22:31:19.000000+00:00');
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef',0,1,53,'r-left-out','2026-11-27T22:31:19.000000+00:00','kim','deploy-1',21001,210010,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836] linux/1 0000000000021001','2026-11-27T22:31:20.000000+00:00');
CREATE TABLE rollout_groups (
	group_arn TEXT NOT NULL, 
	rollout TEXT NOT NULL, 
	PRIMARY KEY (group_arn, rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef','r-working');
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef','r-left-out');
CREATE TABLE rollouts (
	rollout TEXT NOT NULL, 
	service TEXT NOT NULL, 
	group_arns TEXT NOT NULL, 
	begun TEXT NOT NULL, 
	finished TEXT, 
	who TEXT NOT NULL, 
	PRIMARY KEY (rollout)
);
INSERT INTO "rollouts" VALUES('r-working','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef"]','2026-11-22T13:20:00.090000+00:00',NULL,'kim@deploy-1 (pid 20401)');
INSERT INTO "rollouts" VALUES('r-left-out','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/left-out/0123456789abcdef"]','2026-11-22T15:20:00.370000+00:00','2026-11-22T15:21:09.588216+00:00','kim@deploy-1 (pid 21001)');
CREATE INDEX rollouts_by_time ON rollouts (begun);
CREATE INDEX rollouts_by_service ON rollouts (service, begun);
COMMIT;
