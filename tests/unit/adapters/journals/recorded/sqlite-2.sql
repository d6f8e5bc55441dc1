BEGIN TRANSACTION;
CREATE TABLE events (
	rollout TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	PRIMARY KEY (rollout, number), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "events" VALUES('r-b5qmf596',1,'{"kind": "Planned", "at": "2026-11-26T13:56:35.588168+00:00", "plan": {"rollout": "r-b5qmf596", "kind": "roll", "spec": {"service": "shop", "groups": ["LaravelTargetGroup"], "work": {"executor": "ssm", "run": "echo \"$KATAKEI_RELEASE\" > release && ./bin/restart && echo restarted", "argv": []}, "targets": {"only": [], "tags": []}, "window": {"max_unavailable": {"count": 1, "percent": null}, "floor": {"count": null, "percent": 50}, "floor_per_zone": 0, "order": "zone"}, "drain": {"settle": "PT1S", "until": "proof", "quiet": "PT5S", "witness": "ssm", "counter": null, "cut_after": null}, "check": {"http": null, "within": "PT60S", "asked": true}, "soak": "PT1S", "limits": {"draining_extra": "PT60S", "draining_from_delay": true, "working": "PT900S", "warming": "PT300S", "waiting": "PT1800S"}, "on_failure": {"max_failures": 0, "failed_target": "keep_out"}, "revert": null}, "release": "v2", "account": "123456789012", "region": "ap-northeast-1", "groups": [{"arn": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "name": "LaravelTargetGroup", "port": 8080, "protocol": "HTTP", "protocol_version": "HTTP1", "target_type": "instance", "delay": "PT2S", "idle_timeout": "PT60S", "check": {"protocol": "HTTP", "port": null, "path": "/health", "matcher": "200", "interval": "PT1S", "timeout": "PT1S", "healthy_threshold": 2, "unhealthy_threshold": 2}, "cross_zone": true, "slow_start": "PT0S", "minima": [{"name": "target_group_health.unhealthy_state_routing.minimum_healthy_targets", "count": 1, "percent": null}, {"name": "target_group_health.dns_failover.minimum_healthy_targets", "count": 1, "percent": null}], "load_balancers": ["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/laravel/28031002f5c346e7"], "balancer_type": "application", "autoscaling": [], "zonal_shift": []}], "targets": [{"id": "i-4d001ba5d13454444", "name": "web-1", "address": "127.215.0.4", "zone": "ap-northeast-1a", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "id": "i-4d001ba5d13454444", "port": 8080, "zone": null}]}, {"id": "i-787c650fa790fe590", "name": "web-2", "address": "127.215.16.4", "zone": "ap-northeast-1c", "registrations": [{"group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "id": "i-787c650fa790fe590", "port": 8080, "zone": null}]}], "bystanders": [], "window": 1, "floors": {"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f": {"count": 1, "base": 2, "per_zone": 0}}, "who": "kim@deploy-1 (pid 21733)", "versions": {"katakei": "0.1.0", "events": "1"}, "begin": "waiting", "waits": true, "said": []}}');
INSERT INTO "events" VALUES('r-b5qmf596',2,'{"kind": "Taken", "at": "2026-11-26T13:56:35.630113+00:00", "owner": {"user": "kim", "host": "deploy-1", "pid": 21733, "started": 280234, "boot": "00000000-0000-4000-8000-000000000000"}, "marks": ""}');
INSERT INTO "events" VALUES('r-b5qmf596',3,'{"kind": "Baselined", "at": "2026-11-26T13:56:37.959778+00:00", "target": "i-4d001ba5d13454444", "blind": ""}');
INSERT INTO "events" VALUES('r-b5qmf596',4,'{"kind": "Moved", "at": "2026-11-26T13:56:37.962536+00:00", "target": "i-4d001ba5d13454444", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',5,'{"kind": "Deregistered", "at": "2026-11-26T13:56:37.980137+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "targets": ["i-4d001ba5d13454444"]}');
INSERT INTO "events" VALUES('r-b5qmf596',6,'{"kind": "SeenOut", "at": "2026-11-26T13:56:40.310334+00:00", "target": "i-4d001ba5d13454444"}');
INSERT INTO "events" VALUES('r-b5qmf596',7,'{"kind": "Moved", "at": "2026-11-26T13:56:42.592319+00:00", "target": "i-4d001ba5d13454444", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',8,'{"kind": "Moved", "at": "2026-11-26T13:56:42.595451+00:00", "target": "i-4d001ba5d13454444", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',9,'{"kind": "Started", "at": "2026-11-26T13:56:42.602729+00:00", "key": {"rollout": "r-b5qmf596", "target": "i-4d001ba5d13454444", "attempt": 1, "intent": "update"}, "ticket": "a89914c9-aa38-4b5c-abdb-b02f286d2536"}');
INSERT INTO "events" VALUES('r-b5qmf596',10,'{"kind": "WorkEnded", "at": "2026-11-26T13:56:44.906997+00:00", "key": {"rollout": "r-b5qmf596", "target": "i-4d001ba5d13454444", "attempt": 1, "intent": "update"}, "exit": 0, "out": "restarted\n"}');
INSERT INTO "events" VALUES('r-b5qmf596',11,'{"kind": "Moved", "at": "2026-11-26T13:56:44.906997+00:00", "target": "i-4d001ba5d13454444", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',12,'{"kind": "Moved", "at": "2026-11-26T13:56:47.206819+00:00", "target": "i-4d001ba5d13454444", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',13,'{"kind": "Registered", "at": "2026-11-26T13:56:47.212190+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "targets": ["i-4d001ba5d13454444"]}');
INSERT INTO "events" VALUES('r-b5qmf596',14,'{"kind": "SeenServing", "at": "2026-11-26T13:56:49.508023+00:00", "target": "i-4d001ba5d13454444"}');
INSERT INTO "events" VALUES('r-b5qmf596',15,'{"kind": "Moved", "at": "2026-11-26T13:56:56.424571+00:00", "target": "i-4d001ba5d13454444", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',16,'{"kind": "Moved", "at": "2026-11-26T13:56:58.733023+00:00", "target": "i-4d001ba5d13454444", "to": "done", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',17,'{"kind": "Baselined", "at": "2026-11-26T13:56:58.738819+00:00", "target": "i-787c650fa790fe590", "blind": ""}');
INSERT INTO "events" VALUES('r-b5qmf596',18,'{"kind": "Moved", "at": "2026-11-26T13:56:58.745045+00:00", "target": "i-787c650fa790fe590", "to": "draining", "why": "", "intent": "update", "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',19,'{"kind": "Deregistered", "at": "2026-11-26T13:56:58.762918+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "targets": ["i-787c650fa790fe590"]}');
INSERT INTO "events" VALUES('r-b5qmf596',20,'{"kind": "SeenOut", "at": "2026-11-26T13:57:01.051725+00:00", "target": "i-787c650fa790fe590"}');
INSERT INTO "events" VALUES('r-b5qmf596',21,'{"kind": "Moved", "at": "2026-11-26T13:57:03.365986+00:00", "target": "i-787c650fa790fe590", "to": "out", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',22,'{"kind": "Moved", "at": "2026-11-26T13:57:03.368399+00:00", "target": "i-787c650fa790fe590", "to": "working", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',23,'{"kind": "Started", "at": "2026-11-26T13:57:03.386034+00:00", "key": {"rollout": "r-b5qmf596", "target": "i-787c650fa790fe590", "attempt": 1, "intent": "update"}, "ticket": "dd3e6216-12aa-4cea-bc14-1e15efce63b7"}');
INSERT INTO "events" VALUES('r-b5qmf596',24,'{"kind": "WorkEnded", "at": "2026-11-26T13:57:05.689727+00:00", "key": {"rollout": "r-b5qmf596", "target": "i-787c650fa790fe590", "attempt": 1, "intent": "update"}, "exit": 0, "out": "restarted\n"}');
INSERT INTO "events" VALUES('r-b5qmf596',25,'{"kind": "Moved", "at": "2026-11-26T13:57:05.689727+00:00", "target": "i-787c650fa790fe590", "to": "checking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',26,'{"kind": "Moved", "at": "2026-11-26T13:57:07.981842+00:00", "target": "i-787c650fa790fe590", "to": "warming", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',27,'{"kind": "Registered", "at": "2026-11-26T13:57:07.987200+00:00", "group": "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f", "targets": ["i-787c650fa790fe590"]}');
INSERT INTO "events" VALUES('r-b5qmf596',28,'{"kind": "SeenServing", "at": "2026-11-26T13:57:10.282666+00:00", "target": "i-787c650fa790fe590"}');
INSERT INTO "events" VALUES('r-b5qmf596',29,'{"kind": "Moved", "at": "2026-11-26T13:57:17.202213+00:00", "target": "i-787c650fa790fe590", "to": "soaking", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',30,'{"kind": "Moved", "at": "2026-11-26T13:57:19.511027+00:00", "target": "i-787c650fa790fe590", "to": "done", "why": "", "intent": null, "cause": null}');
INSERT INTO "events" VALUES('r-b5qmf596',31,'{"kind": "Finished", "at": "2026-11-26T13:57:19.518428+00:00"}');
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
INSERT INTO "leases" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f',0,1,28,'r-b5qmf596','2026-11-26T13:56:34.000000+00:00','kim','deploy-1',21733,280234,'00000000-0000-4000-8000-000000000000','00000000000000000000000000000000','pid:[4026531836]','2026-11-26T13:57:19.000000+00:00');
CREATE TABLE rollout_groups (
	group_arn TEXT NOT NULL, 
	rollout TEXT NOT NULL, 
	PRIMARY KEY (group_arn, rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (rollout)
);
INSERT INTO "rollout_groups" VALUES('arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f','r-b5qmf596');
CREATE TABLE rollouts (
	rollout TEXT NOT NULL, 
	service TEXT NOT NULL, 
	group_arns TEXT NOT NULL, 
	begun TEXT NOT NULL, 
	finished TEXT, 
	who TEXT NOT NULL, 
	PRIMARY KEY (rollout)
);
INSERT INTO "rollouts" VALUES('r-b5qmf596','shop','["arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/c7d832a579e2451f"]','2026-11-26T13:56:35.588168+00:00','2026-11-26T13:57:19.518428+00:00','kim@deploy-1 (pid 21733)');
CREATE INDEX rollouts_by_time ON rollouts (begun);
CREATE INDEX rollouts_by_service ON rollouts (service, begun);
COMMIT;
