BEGIN TRANSACTION;
CREATE TABLE events (
	rollout TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	PRIMARY KEY (rollout, number), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "events" VALUES('r-5jkuw65h',1,'{"kind": "Planned", "at": "2026-11-26T13:58:34.154156+00:00", "plan": {"rollout": "r-5jkuw65h", "kind": "roll", "spec": {"service": "shop", "groups": ["LaravelTargetGroup"], "work": {"executor": "ssm", "run": "echo \"$KATAKEI_RELEASE\" > release && ./bin/restart && echo restarted", "argv": []}, "targets": {"only": [], "tags": []}, "window": {"max_unavailable": {"count": 1, "percent": null}, "floor": {"count": null, "percent": 50}, "floor_per_zone": 0, "order": "zone"}, "drain": {"settle": "PT1S", "until": "proof", "quiet": "PT5S", "witness": "ssm", "counter": null, "cut_after": null}, "check": {"http": null, "within": "PT60S", "asked": true}, "soak": "PT1S", "limits": {"draining_extra": "PT60S", "draining_from_delay": true, "working": "PT900S", "warming": "PT300S", "waiting": "PT1800S"}, "on_failure": {"max_failures": 0, "failed_target": "keep_out"}, "revert": null}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "name": "LaravelTargetGroup", "port": 8080, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT2S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT1S", "timeout": "PT1S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/laravel/2fb7292210cd4365"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-0e7a0f4d184b26643", "name": "web-1", "address": "127.57.0.4", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "id": "i-0e7a0f4d184b26643", "port": 8080, "zone": null}]}, {"id": "i-b844f7f3d30f10172", "name": "web-2", "address": "127.57.16.4", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "id": "i-b844f7f3d30f10172", "port": 8080, "zone": null}]}], "bystanders": [], "window": 1, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e": {"count": 1, "base": 2, "per_zone": 0}}, "who": "kim@deploy-1 (pid 30104)", "versions": {"katakei": "0.1.0"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-5jkuw65h',2,'{"kind": "Taken", "at": "2026-11-26T13:58:34.232293+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 30104, "started": 291919, "boot": "00000000-0000-4000-8000-000000000000"}, "marks": ""}');
INSERT INTO "events" VALUES('r-5jkuw65h',3,'{"kind": "Baselined", "at": "2026-11-26T13:58:36.688024+00:00", "target": "i-0e7a0f4d184b26643", "blind": ""}');
INSERT INTO "events" VALUES('r-5jkuw65h',4,'{"kind": "Moved", "at": "2026-11-26T13:58:36.701693+00:00", "target": "i-0e7a0f4d184b26643", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',5,'{"kind": "Deregistered", "at": "2026-11-26T13:58:36.727607+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "targets": ["i-0e7a0f4d184b26643"]}');
INSERT INTO "events" VALUES('r-5jkuw65h',6,'{"kind": "SeenOut", "at": "2026-11-26T13:58:38.968715+00:00", "target": "i-0e7a0f4d184b26643"}');
INSERT INTO "events" VALUES('r-5jkuw65h',7,'{"kind": "Moved", "at": "2026-11-26T13:58:41.282783+00:00", "target": "i-0e7a0f4d184b26643", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',8,'{"kind": "Moved", "at": "2026-11-26T13:58:41.297242+00:00", "target": "i-0e7a0f4d184b26643", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',9,'{"kind": "Started", "at": "2026-11-26T13:58:41.330824+00:00", "key": {"rollout": "r-5jkuw65h", "target": "i-0e7a0f4d184b26643", "attempt": 1, "intent": "update"}, "ticket": "0a1cca21-8fc8-4395-87ad-7e97e75a5469"}');
INSERT INTO "events" VALUES('r-5jkuw65h',10,'{"kind": "WorkEnded", "at": "2026-11-26T13:58:43.608634+00:00", "key": {"rollout": "r-5jkuw65h", "target": "i-0e7a0f4d184b26643", "attempt": 1, "intent": "update"}, "exit": 0, "out": "restarted\n"}');
INSERT INTO "events" VALUES('r-5jkuw65h',11,'{"kind": "Moved", "at": "2026-11-26T13:58:43.608634+00:00", "target": "i-0e7a0f4d184b26643", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',12,'{"kind": "Moved", "at": "2026-11-26T13:58:45.895992+00:00", "target": "i-0e7a0f4d184b26643", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',13,'{"kind": "Registered", "at": "2026-11-26T13:58:45.903998+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "targets": ["i-0e7a0f4d184b26643"]}');
INSERT INTO "events" VALUES('r-5jkuw65h',14,'{"kind": "SeenServing", "at": "2026-11-26T13:58:48.202896+00:00", "target": "i-0e7a0f4d184b26643"}');
INSERT INTO "events" VALUES('r-5jkuw65h',15,'{"kind": "Moved", "at": "2026-11-26T13:58:55.145505+00:00", "target": "i-0e7a0f4d184b26643", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',16,'{"kind": "Moved", "at": "2026-11-26T13:58:57.441675+00:00", "target": "i-0e7a0f4d184b26643", "to": "done", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',17,'{"kind": "Baselined", "at": "2026-11-26T13:58:57.452239+00:00", "target": "i-b844f7f3d30f10172", "blind": ""}');
INSERT INTO "events" VALUES('r-5jkuw65h',18,'{"kind": "Moved", "at": "2026-11-26T13:58:57.464042+00:00", "target": "i-b844f7f3d30f10172", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',19,'{"kind": "Deregistered", "at": "2026-11-26T13:58:57.488983+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "targets": ["i-b844f7f3d30f10172"]}');
INSERT INTO "events" VALUES('r-5jkuw65h',20,'{"kind": "SeenOut", "at": "2026-11-26T13:58:59.798104+00:00", "target": "i-b844f7f3d30f10172"}');
INSERT INTO "events" VALUES('r-5jkuw65h',21,'{"kind": "Moved", "at": "2026-11-26T13:59:02.165520+00:00", "target": "i-b844f7f3d30f10172", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',22,'{"kind": "Moved", "at": "2026-11-26T13:59:02.186138+00:00", "target": "i-b844f7f3d30f10172", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',23,'{"kind": "Started", "at": "2026-11-26T13:59:02.256408+00:00", "key": {"rollout": "r-5jkuw65h", "target": "i-b844f7f3d30f10172", "attempt": 1, "intent": "update"}, "ticket": "3fd1d101-f196-4ac7-a68f-5bfe6eef1683"}');
INSERT INTO "events" VALUES('r-5jkuw65h',24,'{"kind": "WorkEnded", "at": "2026-11-26T13:59:04.577975+00:00", "key": {"rollout": "r-5jkuw65h", "target": "i-b844f7f3d30f10172", "attempt": 1, "intent": "update"}, "exit": 0, "out": "restarted\n"}');
INSERT INTO "events" VALUES('r-5jkuw65h',25,'{"kind": "Moved", "at": "2026-11-26T13:59:04.577975+00:00", "target": "i-b844f7f3d30f10172", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',26,'{"kind": "Moved", "at": "2026-11-26T13:59:06.752485+00:00", "target": "i-b844f7f3d30f10172", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',27,'{"kind": "Registered", "at": "2026-11-26T13:59:06.763342+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e", "targets": ["i-b844f7f3d30f10172"]}');
INSERT INTO "events" VALUES('r-5jkuw65h',28,'{"kind": "SeenServing", "at": "2026-11-26T13:59:09.067669+00:00", "target": "i-b844f7f3d30f10172"}');
INSERT INTO "events" VALUES('r-5jkuw65h',29,'{"kind": "Moved", "at": "2026-11-26T13:59:16.034270+00:00", "target": "i-b844f7f3d30f10172", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',30,'{"kind": "Moved", "at": "2026-11-26T13:59:18.335887+00:00", "target": "i-b844f7f3d30f10172", "to": "done", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-5jkuw65h',31,'{"kind": "Finished", "at": "2026-11-26T13:59:18.338441+00:00"}');
CREATE TABLE katakei (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "katakei" VALUES('schema','1');
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
	PRIMARY KEY (group_arn)
);
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e',0,1,20,'r-5jkuw65h','2026-11-26T13:58:32.000000+00:00','kim','deploy-1',30104,291919,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836]');
CREATE TABLE rollout_groups (
	group_arn TEXT NOT NULL, 
	rollout TEXT NOT NULL, 
	PRIMARY KEY (group_arn, rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e','r-5jkuw65h');
CREATE TABLE rollouts (
	rollout TEXT NOT NULL, 
	service TEXT NOT NULL, 
	group_arns TEXT NOT NULL, 
	begun TEXT NOT NULL, 
	finished TEXT, 
	who TEXT NOT NULL, 
	PRIMARY KEY (rollout)
);
INSERT INTO "rollouts" VALUES('r-5jkuw65h','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/2913fe41e1e7411e"]','2026-11-26T13:58:34.154156+00:00','2026-11-26T13:59:18.338441+00:00','kim@deploy-1 (pid 30104)');
CREATE INDEX rollouts_by_time ON rollouts (begun);
CREATE INDEX rollouts_by_service ON rollouts (service, begun);
COMMIT;
