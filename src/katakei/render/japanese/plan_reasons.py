"""Japanese sentences for the reasons of planning: refusals, usage errors, notices, and the settings of a forecast.

The codes and the placeholders are those of `render.plan_reasons`.
"""

from collections.abc import Mapping
from types import MappingProxyType

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Refusals
        "target_type_not_supported": ("{group} のターゲットタイプ {type} には対応していません (対応: instance、ip)"),
        "load_balancer_not_supported": (
            "{group} のプロトコルは {protocol} で、{balancer_type:load balancer}。"
            "対応しているのは Application Load Balancer だけです"
        ),
        "owned_by_auto_scaling": (
            "{group} のターゲットは Auto Scaling グループ ({auto_scaling_groups}) に属しており、"
            "Auto Scaling に置き換えられるおそれがあります。"
            "インスタンスリフレッシュを使うか、手動でスタンバイにしてください (docs/auto-scaling.md)"
        ),
        "cross_zone_off": (
            "{group} はクロスゾーン負荷分散がオフのため、各ゾーンで {floor} 台の稼働が必要で、ゾーン {zone} では 1 台も外せません。"
            "オンにするか、そのゾーンにターゲットを追加してください"
        ),
        "zonal_shift_active": (
            "{group} でゾーンシフトが有効です ({zones})。終わるまで待つか、"
            "membership: {{zonal_shift: allow}} を設定してください"
        ),
        "target_optimizer_on": (
            "{group} ではターゲットオプティマイザーにより各ターゲットの手前にエージェントがあるため、"
            "drain.until: {until} ではエージェントを観測してしまいます。drain.until: counter または delay を使ってください"
        ),
        "unhealthy_at_start": (
            "ロールアウト前から稼働していません: {targets:with names}。修復するか、--only で除くか、"
            "membership.unhealthy を first、last、skip のいずれかにしてください"
        ),
        "health_minimum_above_floor": (
            "{group} は {base} 台中 {needed} 台の正常なターゲットを必要とするため ({minimum})、1 台も外せません。"
            "これを下回ると、ロードバランサーは異常なターゲットにも送信します。"
            "グループのこの最小値を下げてください (設定の下限は {floor})"
        ),
        "unused_group_with_floor": (
            "{group} に転送するリスナーがないため、どのターゲットも稼働できません。"
            "意図したものなら floor: 0 にし、floor_per_zone を削除してください"
        ),
        "floor_never_kept": (
            "{group} の下限が {base} 台中 {floor} 台のため、1 台も外せません。"
            "window.floor を下げてください (0 はサービス停止を許容します)"
        ),
        "zone_floor_never_kept": (
            "{group} のゾーン {zone} の下限が {floor} のため、そこでは 1 台も外せません。"
            "window.floor_per_zone を下げてください"
        ),
        "below_floor": (
            "外すと {group} の稼働数が {serving} になり、下限 {floor} を下回ります。"
            "承知のうえで続けるには {risk:option} を付けてください"
        ),
        "below_zone_floor": (
            "外すと {group} のゾーン {zone} の稼働数が {serving} になり、そこでの下限 {floor} を下回ります。"
            "承知のうえで続けるには {risk:option} を付けてください"
        ),
        "shared_targets": (
            "ターゲットがほかのグループにも登録されており、そこからリクエストが届き続けます: {registrations:with groups}。"
            "そのグループを設定に加えるか、承知のうえで {risk:option} を付けてください"
        ),
        "drained_by_others": (
            "このジャーナルのロールアウト以外でドレイニング中です: {targets}。"
            "誰が外したかを確認するか、{risk:option} を付けて触らずに進めてください"
        ),
        "settle_too_short": (
            "drain.settle の {settle:span}は {safe:span}より短く、実際のロードバランサーではその間、"
            "ドレイニング中のターゲットに新しいリクエストが届くことがあります。承知のうえで続けるには {risk:option} を付けてください"
        ),
        "drain_limit_too_short": (
            "limits.draining の {limit:span}は、ここでドレイニングにかかる {needed:span}より短いため、間に合いません。"
            "長くしてください"
        ),
        "requests_not_possible": (
            "drain.until: requests は Application Load Balancer の後ろの平文 HTTP/1.1 でだけ使えますが、"
            "{group} のプロトコルは {protocol} ({protocol_version}) です。"
            "until: [requests, proof] のように代わりを指定してください"
        ),
        "grpc_check_not_supported": (
            "{group} のヘルスチェックは gRPC で、Katakei はまだ送信できません。"
            "check: {{http: …}} または check: none を設定してください"
        ),
        "check_unreachable": (
            "このマシンから {target} のチェックを送信できません: {text}。"
            "ターゲットに届く場所で Katakei を実行するか、check: none を設定してください"
        ),
        "windows_not_supported": (
            "{targets} は Windows で、Katakei はまだ作業できません。targets か --only で対象から外してください"
        ),
        "target_not_ready": "{target} では作業できません: {text}",
        "too_disruptive": (
            "設定では disruption: {most} までですが、{command} は {disruption} まで行うことがあります。"
            "どちらかを変えてください"
        ),
        "not_an_instance": "{targets} は EC2 インスタンスではないため、work: ec2 では作業できません。対象から外してください",
        "stop_in_auto_scaling": (
            "{targets} は Auto Scaling グループに属しており、停止すると置き換えられます。対象から外してください"
        ),
        "cannot_be_stopped": "{target} は停止して起動し直せません: {text:instance}。対象から外してください",
        "unknown_instance_type": (
            "インスタンスタイプ {type} はこのリージョンにありません。instance_type を変えてください"
        ),
        "wrong_architecture": (
            "{target} は {architecture} ですが、{type} が対応しているのは {architectures} だけです。"
            "instance_type を変えてください"
        ),
        "still_in_other_groups": (
            "ほかのグループからまだリクエストが届きます: {registrations:with groups}。"
            "--all-groups ですべてから外すか、承知のうえで {risk:option} を付けてください"
        ),
        "held_in_more_groups": (
            "{target:with name} は {rollout} の時から切り離されたままで、{groups} からも外されています。"
            "そのグループを設定に加えるか、katakei deregister で切り離したままにしてください"
        ),
        "held_needed_for_floor": (
            "{targets:with names} が切り離されたままでは、{group} の下限が {base} 台中 {floor} 台のため 1 台も外せません。"
            "対象に含めるか、katakei register で戻してください"
        ),
        "held_not_ready": (
            "{target:with name} は {rollout} の時から切り離されたままで、作業できません: {text}。"
            "これを除いて進めるには: katakei deregister {group} {target:id}"
        ),
        # Usage errors
        "group_empty": "{group} にターゲットがないため、することがありません。先に登録してください",
        "no_target_chosen": (
            "{groups} のターゲットが 1 台も選ばれていません。設定の targets か --only を確認してください"
        ),
        "targets_not_registered": ("{groups} に登録されていません: {targets}。登録済み: {registered:with names}"),
        "port_not_registered": (
            "{target} はポート {ports} で登録されており、{port} ではありません。何も変更していません"
        ),
        "port_out_of_range": "{port} はポート番号ではありません (1～65535)",
        "name_ambiguous": "{name} という名前のターゲットが複数あります ({targets})。ID を指定してください",
        "not_a_target": ("{name} は {group} にありません。このグループの登録形式 ({expected}) で指定してください"),
        # Notices
        "unused_group": "{group} に転送するリスナーがないため、どのターゲットも稼働できません",
        "short_settle_accepted": (
            "drain.settle の {settle:span}は {safe:span}より短く、実際のロードバランサーではその間、"
            "ドレイニング中のターゲットに新しいリクエストが届くことがあります"
        ),
        "check_skipped": (
            "このマシンから {target} に届かないため ({text})、再登録前のチェックは行いません。"
            "ロードバランサーのヘルスチェックだけで判断します"
        ),
        "gate_not_asked": (
            "ゲート {gate} の承認は求められません。{after} 台の完了後に開くゲートですが、計画は {targets} 台です"
        ),
        "requests_fallback": (
            "{group} のプロトコルは {protocol} ({protocol_version}) で、リクエストを数えられません。"
            "ターゲットのドレイニングは {fallback} で終わります"
        ),
        "floor_from_minimum": (
            "{group} の下限は {base} 台中 {floor} 台です。ロードバランサーがこの台数を必要とし ({minimum})、"
            "下回ると異常なターゲットにも送信するためです"
        ),
        "zone_floor_from_group": ("{group} はクロスゾーン負荷分散がオフのため、各ゾーンで {floor} 台の稼働が必要です"),
        "sticky_sessions": (
            "{group} はスティッキーセッション ({lasts:span}) です。外したターゲットのセッションは別のターゲットに移ります"
        ),
        "slow_start_on": (
            "{group} のスロースタートは {slow_start:span}です。ターゲットはそれが終わってから稼働数に数えます "
            "(様子見 {soak:span})"
        ),
        "zonal_shift_allowed": ("{group} でゾーンシフトが有効です ({zones})。そこの {targets} 台は稼働数に数えません"),
        "unhealthy_skipped": "稼働していないため、そのままにします: {targets:with names}",
        "ranks_empty": "タグ {tag} が {values} のターゲットはありません (window.ranks)",
        "outage_accepted": "{group} の下限は 0 です。サービス停止を許容します",
        "current_left_alone": "ジャーナルによると {release} が導入済みのため、対象外にします: {targets:with names}",
        "limited": (
            "{targets} 台のうち先頭の {limit} 台だけを処理します。残りは次回以降に回し、"
            "次回も台数を制限した場合は残りから先に処理します"
        ),
        "draining_left_alone": "ドレイニング中のため触りません: {targets}",
        "other_groups_left_alone": "ほかのグループの登録はそのままです: {groups}",
        "registered_as_recorded": "{target:with name} はロールアウト {rollout} の記録どおりに登録します",
        "registered_where_held": ("{target:with name} は、ロールアウト {rollout} が外したポート {port} にも登録します"),
        "group_port_used": "{target} のポートの記録がないため、グループのポート {port} を使います",
        "unknown_port_used": (
            "{target:with name} の記録上のポートは {ports} で、{port} ではありません。{port} を使います"
        ),
        "rollout_unfinished": (
            "ロールアウト {rollout} が終わっていません。katakei roll は計画どおりに続きを実行します:"
        ),
        "instance_store_lost": "停止すると {targets} のインスタンスストアボリュームのデータは失われます",
        "public_address_changes": (
            "{targets} のパブリック IPv4 アドレスは停止すると AWS に返され、起動後は別のアドレスになります"
        ),
        "held_taken_first": "{target:with name} は {rollout} ({ended:result}) の時から切り離されたままです。最初に行います",
        "held_not_selected": (
            "{target:with name} は {rollout} ({ended:result}) の時から切り離されたままです。選ばれていないため、そのままにします"
        ),
        "held_by_hand": (
            "{target:with name} は {rollout} の時から切り離されたままです (手動で登録解除)。そのままにします。"
            "戻すには katakei register を実行してください"
        ),
        "held_may_run": (
            "{target:with name} は {rollout} ({ended:result}) の時から切り離されたままです。"
            "前の作業が実行中の可能性があるため、そのままにします。解決するには: katakei retry {rollout}"
        ),
        "held_by_other_groups": (
            "{target:with name} は {rollout} ({ended:result}) の時から切り離されたままです。"
            "別のターゲットグループのロールアウトのため、そのままにします"
        ),
        "held_kept_out": (
            "{target:with name} は {rollout} ({ended:result}) の時からすでに切り離されています。そのままにします"
        ),
        "already_out": "{target:with name} はすでに切り離されています{rollout:since}",
        "traffic_goes_on": "ほかのグループからリクエストが届き続けます: {registrations:with groups}",
        "deploy_unconfirmed": (
            "{target:with name} の直前のデプロイは成功を確認できていません: {rollout} ({ended:result}){may_run:may run}。"
            "稼働させる前に確認してください"
        ),
        # Forecast
        "setting_settle": "drain.settle",
        "setting_settle_up_to_delay": (
            "drain.settle。処理中のリクエストがある可能性がある間は、最長で登録解除の遅延 {delay:span}まで"
        ),
        "setting_deregistration_delay": "グループの登録解除の遅延",
        "setting_health_check_interval": "グループのヘルスチェック間隔",
        "setting_fixed": "固定",
        "setting_soak": "warm.soak",
        "limited_by_floor": "window.max_unavailable は {window} 台ですが、{group} では {floor} 台の稼働が必要です",
        "limited_by_zone_floor": (
            "window.max_unavailable は {window} 台ですが、{group} では各ゾーンで {floor} 台の稼働が必要です"
        ),
    }
)
