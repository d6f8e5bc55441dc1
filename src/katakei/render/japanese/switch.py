"""Japanese texts of a switch of requests between target groups: reasons, views, help, and sentences of errors."""

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "route_deleted": "この切り替えの対象 {route} が、ほかの誰かに削除されました",
        "route_actions_changed": "{route} のアクションが、ほかの誰かに変更されました。この切り替えではもう書き込みません",
        "route_weights_changed": (
            "{route} の重みが、ほかの誰かに変更されました (旧 {old:or none}、新 {new:or none})。"
            "この切り替えではもう書き込みません"
        ),
        "route_rejected": "AWS が {route} の変更を拒否しました: {text}",
        "routes_not_observed": "{waited:span}、何も確認できていません{text:after colon}",
        "weights_moving": "{routes} を {share} % にしています ({waited:span})",
        "weights_returning": "{routes} を元に戻しています ({waited:span}、理由: {why})",
        "weights_confirming": "{left:span}後に、重みをもう一度確認します",
        "share_soaking": "リクエストの {share} % が新しいグループに届いています。次のステップまで {left:span}",
        "share_waits": (
            "{share} % にするには、{group} で {needed} 台の稼働が必要です。今は {serving} 台です ({waited:span})"
        ),
        "new_group_too_small": (
            "{group} で稼働中のターゲットは {serving} 台ですが、リクエストの {share} % には {needed} 台が必要です"
        ),
        "old_group_down_too": (
            "{group} で稼働中のターゲットは {serving} 台で、{needed} 台が必要です。"
            "元のグループにも稼働中のターゲットがありません ({waited:span})"
        ),
        "traffic_moved": (
            "すべてのリクエストが新しいグループに届いています。すぐに戻すには katakei switch --back {rollout}、"
            "戻れなくてよければ katakei switch --finish {rollout} を実行してください"
        ),
        "weight_settling": (
            "切り替えでグループの重みが 0 になりました。あと {left:span}はリクエストが届く可能性があります"
        ),
        # Planning
        "no_routes": "{group} にリクエストを送るリスナーもルールもないため、切り替えるものがありません",
        "route_not_movable": "{route} は切り替えられません: {trouble:route trouble}",
        "balancer_without_weights": (
            "{group} は重みを使えません ({balancer_type:load balancer})。"
            "対応しているのは Application Load Balancer と Network Load Balancer です"
        ),
        "new_group_elsewhere": (
            "{group} は別のロードバランサーで使われています。グループは 1 つのロードバランサーにしか属せません。"
            "このロードバランサー用のグループを作成してください"
        ),
        "new_group_serves_too_few": (
            "{group} で稼働中のターゲットは {serving} 台ですが、今は {needed} 台で全リクエストを処理しています。"
            "ターゲットを追加するか、小さいグループを承知のうえで {risk:option} を付けてください"
        ),
        "sticky_sessions_need_group": (
            "{groups} のターゲットは Cookie でクライアントを固定しています。重みを使うには、{routes} で"
            "ターゲットグループの維持設定 (stickiness) もオンにしてください"
        ),
        "weight_settle_too_short": (
            "settle の {settle:span}は {safe:span}より短く、それまでは重み 0 のグループにもリクエストが届くことがあります。"
            "承知のうえで続けるには {risk:option} を付けてください"
        ),
        "switch_same_group": "切り替えは 2 つのターゲットグループの間で行いますが、どちらも {group} です",
        "route_unknown": "{route} は {group} を使うリスナーでもルールでもありません。あるもの: {routes}",
        "new_group_checked_first": (
            "{group} はまだどのリスナーにもありません。ヘルスチェックのため、まず重み 0 で追加します"
        ),
        "other_routes_stay": "ほかのリスナーやルールは、{group} にリクエストを送り続けます",
        "clients_stick": "{routes} は、重みが変わった後も、各クライアントを {length:span}同じグループに固定します",
        "connections_stay": "開いている接続は、終わるまで {group} に残ります。移るのは新しい接続だけです",
        "smaller_group_accepted": "{group} は {serving} 台で全リクエストを処理します (これまでは {was} 台)",
        "weight_taken_away": (
            "ロールアウト {rollout} が {group} の重みを 0 にしました。あと {left:span}は、どのターゲットも外しません"
        ),
    }
)

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # In reasons
        "Katakei does not know one of its actions, and could not put it back exactly": (
            "Katakei の知らないアクションがあり、正確に元に戻せません"
        ),
        "it forwards to a third target group": "3 つ目のターゲットグループにも転送しています",
        "it sends no request to the old group": "元のグループにリクエストを送っていません",
        "it sends requests to the new group already": "すでに新しいグループにリクエストを送っています",
        "none": "なし",
        # Plan
        "about {time}, at most one call for each route and step": "約 {time}、ルートとステップごとに最大 1 回の呼び出し",
        "gate": "ゲート",
        "needs": "必要",
        "one call for each route, until katakei switch --finish": (
            "ルートごとに 1 回の呼び出し (katakei switch --finish まで)"
        ),
        "routes": "ルート",
        "steps": "段階",
        "switch {groups}: {place}": "切り替え {groups}: {place}",
        "way back": "戻し方",
        "{number:target} of {group} at 100 %": "100 % で {group} の {number} 台",
        "{old} to {new}": "{old} から {new}",
        "{steps}; each is watched for {soak}": "{steps} (様子見は各 {soak})",
        "To put every route back by hand at any time:": "すべてのルートをいつでも手動で元に戻せるコマンド:",
        # How it stands
        "ALL REQUESTS MOVED": "切り替え済み",
        "NOT PUT BACK: {why}": "元に戻せません: {why}",
        "a person, who takes the way back or gives it up": "人の判断 (元に戻す、または確定する)",
        "back to what it was": "元に戻りました",
        "every route as it was": "すべてのルートが元に戻ること",
        "every route at {share} %": "すべてのルートが {share} % になること",
        "going back to what it was": "元に戻しています",
        "switch {groups}": "切り替え {groups}",
        "the end of the soak": "様子見の終わり",
        "the step to {share} %": "{share} % への段階",
        "{groups}: no request has moved": "{groups}: リクエストはまだ移っていません",
        "{groups}: {how} ({why})": "{groups}: {how} ({why})",
        "{groups}: {share} % of the requests go to the new group": (
            "{groups}: リクエストの {share} % が新しいグループに届いています"
        ),
        "moved": "切り替え済み",
        "paused": "一時停止中",
        "returning": "復帰中",
        "switching": "切り替え中",
        # Events
        "all requests have moved; the way back stays open until it is given up": (
            "すべてのリクエストが移りました。確定するまでは元に戻せます"
        ),
        "all routes go back to what they were: {why}": "すべてのルートを元に戻します: {why}",
        "every route is as it was": "すべてのルートが元に戻りました",
        "every route is at {share} %": "すべてのルートが {share} % になりました",
        "finished by {by}: the way back is given up": "{by} が確定しました。元には戻せません",
        "{route}: AWS refused the change: {why}": "{route}: AWS が変更を拒否しました: {why}",
        "{share} % of the requests to {group}": "リクエストの {share} % を {group} へ",
        # Commands that make sense now
        "Give up the way back of {rollout}?": "{rollout} を確定しますか (元に戻せなくなります)?",
        "carries it out": "実行します",
        "give up the way back": "確定する",
        "take the way back": "元に戻す",
        "the end of switch {rollout} is recorded": "切り替え {rollout} の確定を記録しました",
        "the way back of switch {rollout} is recorded": "切り替え {rollout} を元に戻す指示を記録しました",
        # Help
        "All requests in one step.": "すべてのリクエストを 1 段階で切り替えます。",
        "Ask a person before NEW gets more than this; repeatable.": (
            "NEW がこの割合を超える前に、人の承認を求めます。複数指定できます。"
        ),
        "Carry an unfinished switch on although its steps changed.": "段階が変わっていても、未完了の切り替えを続けます。",
        "Give up the way back of ROLLOUT, so that OLD can be worked on.": (
            "ROLLOUT を確定し、OLD で作業できるようにします (元に戻せなくなります)。"
        ),
        "How long each share is watched (default 1m).": "各段階の様子見の時間 (デフォルト 1m)。",
        "How long no target of a group is taken out after its weight became 0 (default 2m).": (
            "グループの重みが 0 になった後、ターゲットを外さない時間 (デフォルト 2m)。"
        ),
        "How much of the requests NEW gets, in turn.": "NEW に送るリクエストの割合 (順に)。",
        "Move requests from one target group to another, by weights.": (
            "リクエストを重みで別のターゲットグループに移します。"
        ),
        "Move the requests of target group OLD to target group NEW, share by share, by the weights of listeners and rules.\n\nAll listeners and rules that send requests to OLD move together, or go back together. At 100 % the way back stays open: --back takes it, --finish gives it up. After a crash or Ctrl-C the same command carries on.": (
            "ターゲットグループ OLD のリクエストを、リスナーとルールの重みで、少しずつ NEW に移します。\n\n"
            "OLD にリクエストを送るリスナーとルールは、すべて一緒に移り、一緒に戻ります。100 % になった後も元に戻せます。"
            "--back で元に戻し、--finish で確定します。クラッシュや Ctrl-C の後は、同じコマンドで続きから始まります。"
        ),
        "Only this listener and its rules (port or ARN); repeatable.": (
            "このリスナーとそのルールだけ (ポートまたは ARN)。複数指定できます。"
        ),
        "Only this rule; repeatable.": "このルールだけ。複数指定できます。",
        "Show the plan and change nothing.": "計画を表示し、何も変更しません。",
        "Take the way back of ROLLOUT: everything as it was before.": "ROLLOUT の切り替えを、すべて元に戻します。",
    }
)

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "--at-once and --steps contradict each other: give one of them": (
            "--at-once と --steps は同時に使えません。どちらか一方を指定してください"
        ),
        "--back and --finish contradict each other: give one of them": (
            "--back と --finish は同時に使えません。どちらか一方を指定してください"
        ),
        "--back and --finish take one rollout: leave the target groups out": (
            "--back と --finish にはロールアウトを 1 つ指定します。ターゲットグループは外してください"
        ),
        "--steps {text} does not rise to 100%: write for example {example}": (
            "--steps {text} は 100% まで増えていません。例: {example}"
        ),
        "a server cannot finish a switch: run katakei switch --finish where its journal is": (
            "サーバーでは切り替えを確定できません。ジャーナルのあるマシンで katakei switch --finish を実行してください"
        ),
        "not all requests of switch {rollout} have moved yet: wait for that, or run katakei abort {again}": (
            "切り替え {rollout} はまだすべてのリクエストを移していません。待つか、katakei abort {rollout} を実行してください"
        ),
        "rollout {rollout} is no switch: it moves no requests between target groups": (
            "ロールアウト {rollout} は切り替えではありません。ターゲットグループ間でリクエストを移すものではありません"
        ),
        "switch {name} from {pair} is not finished: give up the way back with `katakei switch --finish {same}`, or take it with `katakei switch --back {again}`": (
            "切り替え {name} ({pair}) は終わっていません。`katakei switch --finish {name}` で確定するか、"
            "`katakei switch --back {name}` で元に戻してください"
        ),
        "switch {rollout} goes back already": "切り替え {rollout} はすでに元に戻しているところです",
        "which target groups? give OLD and NEW: katakei switch OLD NEW": (
            "どのターゲットグループですか。OLD と NEW を指定してください: katakei switch OLD NEW"
        ),
        "{text} is no share: write a whole number of percent, for example 25%": (
            "{text} は割合ではありません。25% のように整数のパーセントで書いてください"
        ),
    }
)
