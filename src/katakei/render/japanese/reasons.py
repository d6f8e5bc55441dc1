"""Japanese sentences for the reasons of domain and reconcile. The placeholders are those of `render.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from katakei.domain.reasons import ReasonCode

_C = ReasonCode

SENTENCES: Mapping[ReasonCode, str] = MappingProxyType(
    {
        _C.RECORDED_TEXT: "{text}",
        _C.THEN: "{first}。その後: {why}",
        _C.TARGET_WAITS: "{target}{name:in brackets}: {why}{others:more}",
        _C.FINISHED: "終了しました",
        _C.NOTHING_IN_PROGRESS: "進行中のターゲットはありません",
        _C.ACTING: "{targets} を操作しています",
        _C.ABORTED: "{by} が中止しました",
        _C.REVERTED: "{by} がリバートを指示しました",
        _C.REVERTED_BEFORE_TURN: "このターゲットを切り離す前に、{by} がロールアウトのリバートを指示しました",
        _C.TOO_MANY_FAILURES: "失敗が許容数を超えたため、ロールアウトを停止しました (失敗 {failures} 台、許容 {allowed} 台)",
        _C.TOO_MANY_REVERT_FAILURES: (
            "リバートの失敗が許容数を超えたため、リバートを停止しました (失敗 {failures} 台、許容 {allowed} 台)"
        ),
        _C.PAUSED: "{by} が一時停止しました ({waited:span}経過)。再開するには: katakei resume {rollout}",
        _C.GATE_DENIED: "{by} がゲート {gate} を却下しました",
        _C.APPROVAL_EXPIRED: "ゲート {gate} は期限までに承認も却下もされませんでした",
        _C.GATE_PENDING: (
            "ゲート {gate} の承認を待っています{expires:until} ({waited:span}経過{default:expiry})。"
            "承認するには: katakei approve {rollout} --gate {gate}{others:more gates}"
        ),
        _C.FROZEN: "{name:group name} は {by} が凍結しています{since:since moment}{until:until}{why:after colon}",
        _C.FREEZES_NOT_READ: "ジャーナルの凍結情報を直近 10 秒間読み取れていません",
        _C.GATE_HOLDS: (
            "ゲート {gate} の条件が満たされるのを待っています ({waited:span}経過){why:after colon}。"
            "スキップするには: katakei promote {rollout} --skip-gate {gate} --reason 理由"
        ),
        _C.GATE_WITHOUT_DATA: (
            "ゲート {gate} の最新のデータがありません ({waited:span}経過){why:after colon}。"
            "スキップするには: katakei promote {rollout} --skip-gate {gate} --reason 理由"
        ),
        _C.GATE_FAILED: "ゲート {gate} の条件が満たされないため、ロールアウトを停止しました{why:after colon}",
        _C.HOURS_CLOSED: "{zone} の指定時間外です{until:until}",
        _C.GATE_REPORT: "{text}",
        _C.WAVE_PAUSE: (
            "全 {waves} ウェーブ中の第 {wave} ウェーブが終わりました ({waited:span}経過)。次は {left:span}後に始まります。"
            "すぐに始めるには: katakei promote {rollout}"
        ),
        _C.LIMIT_REACHED: "次回以降に回します (このロールアウトは {limit} 台まで)",
        _C.NEXT_TARGET_WAITS: "次の {target}{name:in brackets} は {waited:span}待機しています: {why}",
        _C.WAITED_TOO_LONG: "limits.waiting より長く待ったためスキップしました: {why}",
        _C.PLACE_PENDING: "ターゲットが作業記録の保存場所をまだ返していません。返るまで稼働を続けます",
        _C.BASELINE_PENDING: "切り離す前に、プローブが接続数を数えています{why:in brackets}",
        _C.PROBE_SILENT: "プローブの応答がありません",
        _C.PROBE_BLIND: "{text}",
        _C.ATTRIBUTES_NOT_READ: "{group} の属性を直近 1 分間読み取れていません",
        _C.GROUP_CHANGED: "{group} が計画時から変更されています: {changes}",
        _C.ATTRIBUTE_CHANGED: "{attribute} が {was} から {now} に変わりました",
        _C.LISTENER_REMOVED: "転送元のリスナーがなくなりました",
        _C.GROUP_NOT_OBSERVED: "{group} の状態を直近 10 秒間確認できていません",
        _C.GROUP_FLOOR: "外すと {group} の稼働数が {serving} になり、下限 {floor} を下回ります",
        _C.ZONE_FLOOR: "外すと {group} の {zone} の稼働数が {serving} になり、下限 {floor} を下回ります",
        _C.OVERLAP_NEEDS_SERVICE: "ほかのターゲットの様子見中に切り離せるのは、稼働中のターゲットだけです",
        _C.TOO_FEW_PROVEN: (
            "様子見中に外すと、{group} で安定して稼働しているのは {proven} になり、必要な {floor} を下回ります"
        ),
        _C.ZONE_TOO_FEW_PROVEN: (
            "様子見中に外すと、{group} の {zone} で安定して稼働しているのは {proven} になり、必要な {floor} を下回ります"
        ),
        _C.SOAK_AWAITED: (
            "ドレイニング完了。{target}{name:in brackets} の様子見が終わるまで作業を待っています"
            " ({waited:span}経過、残り {left:span}、最長 {limit:span})"
        ),
        _C.OVERLAP_ENDED: "{target}{name:in brackets} の様子見を待っていたため、作業前にサービスに戻しました: {why}",
        _C.OVERLAP_PAUSED: "{by} がロールアウトを一時停止しました",
        _C.OVERLAP_INTERRUPTED: "ロールアウトが中断されました",
        _C.SOAK_BROKEN: "そのターゲットは稼働し続けませんでした",
        _C.SOAK_RESTARTED: "その様子見が最初からやり直しになり、あと {left:span}かかります",
        _C.SOAK_NOT_OBSERVED: "その様子見は {waited:span}前に終わるはずでしたが、確認できていません",
        _C.KEPT_FOR_OVERLAP: "{why:before semicolon}{target}{name:in brackets} がサービスに戻るまで、稼働させておきます",
        _C.DEREGISTERED_ELSEWHERE: "ほかの誰かが登録解除済みのためスキップしました",
        _C.DRAINING_ELSEWHERE: "ほかの誰かが登録解除中のためスキップしました",
        _C.MACHINE_STOPPED: "AWS が {health} と報告しているためスキップしました",
        _C.GROUP_DELETED: "ターゲットグループ {groups} が誰かに削除されました",
        _C.HEALTH: "{state}{description:in brackets}{overridden:override}",
        _C.DEREGISTER_PENDING: "登録解除の API の応答を待っています ({waited:span}経過)",
        _C.DEREGISTERED_NOT_OBSERVED: "登録解除しましたが、その後の状態を確認できていません{text:after colon} ({waited:span}経過)",
        _C.DEREGISTERED_STILL_IN_SERVICE: "{waited:span}前に登録解除しましたが、AWS はまだ {health} と報告しています",
        _C.DEREGISTER_BLOCKED: "今は登録解除できません ({waited:span}経過): {why}",
        _C.DEREGISTER_NOT_SENT: "登録解除の API が {waited:span}以内に応答しなかったため、サービスに戻しました",
        _C.SETTLING: (
            "サービスから外れて {waited:span}。まだ新しいリクエストが届く可能性があるため、あと {left:span}待ちます (settle)"
        ),
        _C.DRAINING: (
            "ドレイニング中 ({waited:span}経過)。{probe:before semicolon}"
            "ロードバランサーのタイマー ({delay:span}) は残り {left:span}です"
        ),
        _C.PROBE_REPORT: "{text}",
        _C.QUIET_BUT_GROUP_CHANGED: (
            "プローブは処理中のリクエストなしと報告していますが、グループが変更されたため採用できません ({changes})"
        ),
        _C.QUIET_BUT_ATTRIBUTES_NOT_READ: (
            "プローブは処理中のリクエストなしと報告しています。グループの属性を読み取れた時点で採用します"
        ),
        _C.DRAIN_TIMEOUT: "{waited:span}たってもドレイニングが終わりませんでした",
        _C.REGISTERED_ELSEWHERE: "このロールアウトで切り離している間に、ほかの誰かが 2 回登録しました",
        _C.FLOOR_LOST: "下限を保てなくなったため、作業前にサービスに戻しました: {why}",
        _C.RETURNED_FOR_FREEZE: "登録解除の前にサービスに戻しました: {why}",
        _C.DEREGISTERED_BY_HAND: "手動で登録解除しました",
        _C.DEREGISTERED_BY_HAND_WITHOUT_WAIT: "手動で登録解除しました (ドレイニングは待っていません)",
        _C.WORK_STARTING: "作業を開始しています ({waited:span}経過){text:in brackets}",
        _C.WORK_RESTARTING: "作業が始まらないため、もう一度開始しています ({waited:span}経過){text:in brackets}",
        _C.WORK_RUNNING: "作業を実行しています ({waited:span}経過)",
        _C.OF_STEP: "ステップ {step}: {why}",
        _C.WORK_HALFWAY: "作業を実行しています ({waited:span}経過)。次の呼び出しで続けます{text:in brackets}",
        _C.WORK_NOT_OBSERVED: "作業が実行中か確認できません ({waited:span}経過、{text:or no answer yet})",
        _C.WORK_NOT_OBSERVED_AFTER_STOP: "{why}。作業が始まったか確認できません ({waited:span}経過)",
        _C.WORK_ENDED: "作業が終わりました",
        _C.WORK_FAILED: "作業が終了コード {exit} で失敗しました{text:in brackets}",
        _C.WORK_REFUSED: "作業は拒否され、何も実行されませんでした: {text:or no reason}",
        _C.WORK_INTERRUPTED: "{text:or interrupted}",
        _C.WORK_OVERDUE: "{waited:span}たっても作業が{state:work state}",
        _C.WORK_CANCELING: "{why}。作業を取り消しています",
        _C.WORK_FORBIDDING: "{why}。作業が始まらないようにしています",
        _C.WORK_MAY_RUN: "{why}。作業がまだ実行中の可能性があるため、ほかの作業は始めません",
        _C.APPROVAL_PENDING: (
            "手動で作業できます ({waited:span}経過)。作業が終わったら: katakei approve {rollout} {target}"
        ),
        _C.NOT_APPROVED: "作業の完了が承認されませんでした",
        _C.ABORTED_BEFORE_APPROVAL: "作業の完了が承認される前に、{by} が中止しました",
        _C.IN_SERVICE_BEFORE_CHECK: (
            "チェックに合格する前に稼働しています ({waited:span}経過)。もう一度登録解除します"
        ),
        _C.CHECK_PENDING: "チェック中 ({waited:span}経過): {text:or no answer yet}",
        _C.CHECK_FAILED: "{within:span}以内にチェックに合格しませんでした: {text:or no answer yet}",
        _C.ADDRESS_STILL_DRAINING: (
            "まだドレイニング中です ({waited:span}経過)。IP ターゲットは、登録が消えてからでないと AWS が再登録を受け付けません"
        ),
        _C.BATCH_PENDING: (
            "チェックに合格しました。ほかのターゲットとまとめて登録するのを待っています ({waited:span}経過)"
        ),
        _C.REGISTER_PENDING: "登録の API の応答を待っています ({waited:span}経過)",
        _C.REGISTERED_NOT_OBSERVED: "登録しましたが、その後の状態を確認できていません{text:after colon} ({waited:span}経過)",
        _C.REGISTERED_NOT_SERVING: "{waited:span}前に登録しました。AWS の報告は {health} です",
        _C.SERVING_ONCE: "{health}。あと {left:span}で再確認し、変わらなければ稼働とみなします",
        _C.REGISTRATION_REPEATED: (
            "ロードバランサーが登録を拒否しました。{waited:span}前から再試行しています (最長 {limit:span}): {text}"
        ),
        _C.REGISTRATION_REJECTED: "ロードバランサーが登録を拒否しました: {text}",
        _C.RETURN_REJECTED: "サービスに戻そうとしましたが、ロードバランサーが登録を拒否しました: {text}",
        _C.WARMING_TIMEOUT: "登録から {waited:span}たっても稼働しません: {health}",
        _C.RETURN_TIMEOUT: "再登録から {waited:span}たっても稼働しません: {health}",
        _C.SOAKING: "{health}。様子見は残り {left:span}です",
        _C.SOAKING_NOT_OBSERVED: "様子見中ですが、最近の状態を確認できていません{text:after colon} ({waited:span}経過)",
        _C.SOAKING_UNHEALTHY: "様子見中に異常になりました ({waited:span}経過): {health}",
        _C.SOAK_FAILED: "{waited:span}様子を見ましたが、稼働が安定しませんでした (最後の報告: {health})",
        _C.GROUPS_NOT_OBSERVED: "{why}。グループの状態を確認できるまで、稼働させておきます",
        _C.KEPT_FOR_FLOOR: "{why}。下限を保つため、稼働させておきます",
        _C.LEFT_SERVICE: "完了後にサービスから外れました: {why}",
        _C.LEFT_SERVICE_WAITING: (
            "完了後、{waited:span}前にサービスから外れました: {why}。その間、次のターゲットは始めません"
        ),
        _C.LEFT_SERVICE_NOT_OBSERVED: (
            "完了後、{waited:span}前にサービスから外れ、最近の状態を確認できていません ({text:or no answer yet})"
        ),
        _C.HELD_SINCE: "ロールアウト {rollout} の時から切り離されたままです",
        _C.HELD_WITHOUT_CHECK: (
            "ロールアウト {rollout} の時から切り離されたままで、チェックの設定がないため稼働できることを確認できません"
        ),
        _C.LATE_TARGETS_LEFT: "設定が `late: leave` です",
        _C.MACHINE_TAKES_NO_PART: "同じマシンがロールアウトの対象外です",
        _C.TAGS_DIFFER: "タグが `targets` と一致しません",
        _C.CAME_AFTER_ROLLOUT: "ロールアウトの後に登録されました",
        _C.IN_OTHER_GROUPS: "ほかのグループにも登録されています: {groups}",
        _C.NOT_WORKABLE: "作業できません: {text}",
        _C.JOURNAL_UNAVAILABLE: "{text} ({waited:span}前から再試行中)",
        _C.JOURNAL_SLOW: (
            "{target}{name:in brackets}: ジャーナルの応答に {took:span}かかり、状態の確認が古くなったため、"
            "API の呼び出しを続けて {times} 回見送りました ({waited:span}前から再試行中)"
        ),
        _C.WORK_NOT_TAKEN: "{text} ({waited:span}前から作業が受け付けられません。limits.working で打ち切ります)",
        _C.UNAVAILABLE: "{text} ({waited:span}前から再試行中、最長 {limit:span}。復旧すれば自動で続行します)",
    }
)
