"""Japanese texts of the views: tables, plan, live view, log lines, recap, report. The keys are the English texts."""

from collections.abc import Mapping
from types import MappingProxyType

_IN_REASONS = {
    " (and {number:other gate})": " (ほかのゲート {number} 件)",
    " (and {number} more)": " (ほか {number} 台)",
    " and {more} more": " ほか {more} 件",
    " for {service}": "サービス {service} で",
    " since {moment}": " ({moment} から)",
    " until {moment}": " (期限 {moment})",
    ", and its work may still run there": "。作業がまだ実行中の可能性があります",
    ", but an administrative override keeps traffic away": " (管理上のオーバーライドでトラフィックが止められています)",
    ", or the rollout is aborted": "、期限後はロールアウトを中止",
    ", or the rollout is paused": "、期限後はロールアウトを一時停止",
    ", since {rollout}": " ({rollout} から)",
    "; ": "。",
    "a load balancer of type {type}": "ロードバランサーのタイプは {type} です",
    "all services": "すべてのサービス",
    "cannot be observed": "確認できません",
    "has not started": "始まりません",
    "no answer yet": "まだ応答がありません",
    "no load balancer": "ロードバランサーがありません",
    "still runs": "終わりません",
    "the target gave no reason": "ターゲットからの理由の報告はありません",
    "the work was interrupted; it is not started again automatically": ("作業が中断されました。自動では再開しません"),
    "{id}:{port} in {group}": "{group} の {id}:{port}",
    "{service}": "サービス {service} ",
    "{text}; ": "{text}。",
}

_MACHINES = {
    "after": "後処理",
    "at most": "上限",
    "before": "前処理",
    "it is a Spot instance": "スポットインスタンスです",
    "its root device is an instance store": "ルートデバイスがインスタンスストアです",
    "nothing is restarted": "再起動なし",
    "programs are restarted": "プログラムの再起動まで",
    "the machine is rebooted": "マシンの再起動まで",
    "the machine is stopped and started": "マシンの停止と起動まで",
    "step {step}: {text}": "ステップ {step}: {text}",
    "{intent}, step {step}": "{intent}、ステップ {step}",
    "{what} (disruption: {most})": "{what} (disruption: {most})",
}

_ACTS = {
    "abort a rollout": "ロールアウトを中止する",
    "approve a gate": "ゲートを承認する",
    "deregister a target": "ターゲットを登録解除する",
    "freeze": "凍結する",
    "lift a freeze": "凍結を解除する",
    "make a plan": "計画を作成する",
    "manage tokens": "トークンを管理する",
    "pause a rollout": "ロールアウトを一時停止する",
    "promote a rollout": "ロールアウトをプロモートする",
    "read logs": "ログを閲覧する",
    "read the audit log": "監査ログを閲覧する",
    "read this": "これを閲覧する",
    "register a target": "ターゲットを登録する",
    "resume a rollout": "ロールアウトを再開する",
    "retry targets": "ターゲットを再試行する",
    "revert a rollout": "ロールアウトをリバートする",
    "say that manual work is done": "手動作業の完了を承認する",
    "skip a gate": "ゲートをスキップする",
    "start a rollout": "ロールアウトを開始する",
}

_RIGHTS = {
    "approve or deny an approval gate": "承認ゲートを承認または却下する",
    "deregister a target by hand": "ターゲットを手動で登録解除する",
    "end a soak, a bake or a pause between waves early": "様子見やウェーブ間の待機を早く終える",
    "freeze a service or a group": "サービスまたはグループを凍結する",
    "issue and revoke tokens, end sessions": "トークンの発行と失効、セッションの終了",
    "make a plan, which changes nothing": "計画を作成する (何も変更しない)",
    "read the output of the work": "作業の出力を閲覧する",
    "register a target by hand": "ターゲットを手動で登録する",
    "resume a paused rollout": "一時停止したロールアウトを再開する",
    "say that manual work on a target is done": "ターゲットの手動作業の完了を承認する",
    "see groups, services, rollouts and plans": "グループ、サービス、ロールアウト、計画を閲覧する",
    "skip a gate that holds the rollout": "ロールアウトを止めているゲートをスキップする",
    "take the touched targets back to the old release": "作業したターゲットを元のリリースに戻す",
    "try failed targets once more": "失敗したターゲットを再試行する",
}

_TABLES = {
    "(reverted)": "(リバート済み)",
    "(unconfirmed)": "(未確認)",
    "BY": "実行者",
    "FROZEN": "凍結対象",
    "GROUP": "グループ",
    "NAME": "名前",
    "PHASE": "フェーズ",
    "PORT": "ポート",
    "PROTOCOL": "プロトコル",
    "RELEASE": "リリース",
    "RESULT": "結果",
    "ROLLOUT": "ロールアウト",
    "SERVICE": "サービス",
    "SERVING": "稼働",
    "SINCE": "開始",
    "SINCE (UTC)": "開始 (UTC)",
    "STARTED": "開始",
    "STATE": "状態",
    "TARGET": "ターゲット",
    "TOOK": "所要時間",
    "TYPE": "タイプ",
    "UNTIL": "期限",
    "WHY": "理由",
    "ZONE": "ゾーン",
    " · {number} held out by {rollouts}": " · {number} 台は {rollouts} が切り離し中",
    "and {older} more: katakei list --limit {all}": "ほか {older} 件: katakei list --limit {all}",
    "held out by {rollout} since {since}": "{rollout} が {since} から切り離し中",
    "lifted": "解除するまで",
    "no rollouts in this journal": "このジャーナルにロールアウトはありません",
    "the freezes cannot be read: {error}": "凍結情報を読み取れません: {error}",
    "no target groups in {place}; for another place, give --region or --profile": (
        "{place} にターゲットグループはありません。別の場所は --region か --profile で指定してください"
    ),
    "no targets are registered": "登録されたターゲットはありません",
    "nobody ({name} is gone)": "なし ({name} は終了)",
    "nothing is frozen": "凍結中のものはありません",
    "rollouts in {places}": "{places} のロールアウト",
    "unreadable": "読み取り不可",
    "{name} (silent)": "{name} (応答なし)",
    "{number} of {total} serving": "{total} 台中 {number} 台が稼働",
    "{number} target groups in {place}": "{place} のターゲットグループ {number} 件",
    "{outcome}, by {who}": "{outcome}、実行者 {who}",
    "{region}, account {account}": "{region}、アカウント {account}",
    "{took} so far": "{took}経過",
}

_PLAN = {
    " (out already)": " (切り離し済み)",
    " ({shell}, stops at the first command that fails)": " ({shell}、最初に失敗したコマンドで停止)",
    ", with {names}": "、環境変数 {names}",
    ", {number} in each zone": "、各ゾーン {number} 台",
    "Out of service before this rollout; to register that by hand, once you know that it works:": (
        "このロールアウトの前から切り離されています。動作を確認したうえで手動で登録するには:"
    ),
    "To restore every registration by hand at any time:": "いつでも手動ですべての登録を元に戻すには:",
    "about {time} and {rounds} x the work itself; for each target:": (
        "約 {time}と、作業時間の {rounds} 回分。ターゲット 1 台あたり:"
    ),
    "account {account}, region {region}, {groups}": "アカウント {account}、リージョン {region}、{groups}",
    "and {number} more (--json lists all)": "ほか {number} 台 (すべて表示するには --json)",
    "automatically when more than {number} failed, or {by_hand}": "失敗が {number} 台を超えると自動で実行、または {by_hand}",
    "by hand: each target waits until you say that it is done": "手動: ターゲットごとに、完了の報告を待ちます",
    "by katakei revert": "katakei revert で実行",
    "by {executor}: {command}": "{executor}: {command}",
    "deregister {number:target}: {place}": "{number} 台を登録解除します: {place}",
    "drain": "ドレイニング",
    "first health check": "最初のヘルスチェック",
    "floor": "下限",
    "note": "注意",
    "order": "順序",
    "waves": "ウェーブ",
    "{sizes} targets, one wave after the other": "{sizes} 台ずつ、ウェーブごとに順に処理",
    ", {pause} apart": " (間隔 {pause})",
    "lets the rollout pass": "条件が満たされました",
    "wave {wave} is over": "第 {wave} ウェーブが終わりました",
    "wave {wave} begins": "第 {wave} ウェーブを始めます",
    "register {number:target}: {place}": "{number} 台を登録します: {place}",
    "revert": "リバート",
    "roll {service} to {release}, {number:target}: {place}": (
        "{service} を {release} にロールアウトします ({number} 台): {place}"
    ),
    "roll {service}, {number:target}: {place}": "{service} をロールアウトします ({number} 台): {place}",
    "second observation": "2 回目の確認",
    "saved: the next target drains while one soaks (warm.overlap)": "短縮: 様子見中に次のターゲットをドレイン (warm.overlap)",
    "soak": "様子見",
    "takes": "時間",
    "window": "並行数",
    "work": "作業",
    "{count} of {base} must serve": "{base} 台中 {count} 台の稼働が必要",
    "{number} out at a time": "同時に切り離すのは {number} 台",
    "{target} in {zone}": "{target} {zone}",
}

_LIVE = {
    ", about {time} to go": "、残り約 {time}",
    ", about {time} to go and the work": "、残り約 {time}と作業時間",
    ", nearly done": "、まもなく完了",
    ", until {moment} at the latest": "、遅くとも {moment} まで",
    "; {number} more in progress": "。ほかに {number} 台が進行中",
    "Ctrl-C finishes the targets in progress; twice stops at once": (
        "Ctrl-C: 進行中のターゲットを終えてから停止。2 回押すとただちに停止"
    ),
    "Ctrl-C now stops at once; a command on a target goes on running": (
        "もう一度 Ctrl-C でただちに停止。ターゲット上のコマンドは動き続けます"
    ),
    "Interrupted: finishing the targets in progress, then it ends": (
        "中断を受け付けました。進行中のターゲットを終えてから停止します"
    ),
    "Your turn: work on {where}, {done}": "あなたの番です: {where} で作業し、{done}",
    "Your turn: {gate}": "あなたの番です: {gate}",
    "and {number} more": "ほか {number} 台",
    "failed": "失敗",
    "out of service": "切り離したまま",
    "press Enter when it is done": "終わったら Enter を押してください",
    "then run: {command}": "終わったら実行してください: {command}",
    "{ended} of {total} ended, {moving} of {window} out at a time": (
        "{total} 台中 {ended} 台が終了、切り離し中 {moving} 台 (同時に最大 {window} 台)"
    ),
    "{frozen}: no other target is taken out": "{frozen}。ほかのターゲットは切り離しません",
    "{name} at {address}": "{name} ({address})",
    "{name} prints:": "{name} の出力:",
    "{number} {phase}": "{phase} {number}",
    "{text} (since {since}{until}){more}": "{text} ({since} から{until}){more}",
}

_EVENTS = {
    "FAILED LATE": "完了後に失敗",
    "abort requested by {by}": "{by} が中止を指示しました",
    "all targets": "すべてのターゲット",
    "approved by {by}": "{by} が承認しました",
    "denied by {by}": "{by} が却下しました",
    "expired: nobody answered in time": "期限切れ: 期限までに承認も却下もされませんでした",
    "failed late: {target}: {why}; {now}": "完了後に失敗: {target}: {why}。{now}",
    "failed late: {why}": "完了後に失敗: {why}",
    "gate {gate}": "ゲート {gate}",
    "in service although this rollout holds it out; deregistering it again": (
        "切り離し中のはずが稼働しています。もう一度登録解除します"
    ),
    "interrupted ({by}): targets in progress are finished, no other one is started": (
        "中断されました ({by})。進行中のターゲットは終わらせ、次のターゲットは始めません"
    ),
    "it does not serve": "現在も稼働していません",
    "it is left as it is ({why})": "触りません ({why})",
    "it is updated at the end": "最後に更新します",
    "it serves again": "現在は稼働しています",
    "left out of service: {targets}": "切り離したまま: {targets}",
    "left service again: {why}": "再びサービスから外れました: {why}",
    "no longer waiting for {number:connection} (drain.cut_after)": (
        "接続 {number} 件の終了を待たずに進みます (drain.cut_after)"
    ),
    "not frozen any more; targets may be taken out again": "凍結が解除されました。ターゲットの切り離しを再開できます",
    "out of service, as requested: {targets}; to bring it back, run: katakei register {words}": (
        "指示どおり切り離しました: {targets}。戻すには: katakei register {words}"
    ),
    "paused by {by}: targets in progress are finished, no other one is started": (
        "{by} が一時停止しました。進行中のターゲットは終わらせ、次のターゲットは始めません"
    ),
    "during the soak of {target}": "{target} の様子見中に切り離します",
    "promoted by {by}: the targets that soak now soak no longer": "{by} がプロモートしました。現在の様子見を終えます",
    "rejected by the load balancer: {why}": "ロードバランサーが拒否しました: {why}",
    "resumed by {by}": "{by} が再開しました",
    "retry requested by {by}: {targets}": "{by} が再試行を指示しました: {targets}",
    "revert by on_failure: {failures:target} failed, more than on_failure.max_failures allows;"
    " the updated targets are reverted, the last one first": (
        "失敗が {failures} 台になり on_failure.max_failures を超えました。更新したターゲットを新しい順にリバートします"
    ),
    "revert requested by {by}: the updated targets are reverted, the last one first": (
        "{by} がリバートを指示しました。更新したターゲットを新しい順にリバートします"
    ),
    "rollout {rollout} began at {begun}: {ends}": "ロールアウト {rollout} ({begun} 開始): {ends}",
    "rollout {rollout} finished after {took}: {ends}": "ロールアウト {rollout} (所要 {took}): {ends}",
    "skipped by {by}: {why}": "{by} がスキップしました: {why}",
    "somebody registered it during the rollout; {what}": "ロールアウト中に誰かが登録しました。{what}",
    "still draining: {why}": "まだドレイニング中: {why}",
    "the next target": "次のターゲット",
    "the rollout is now run by {owner}": "ロールアウトの実行プロセスは {owner} になりました",
    "waiting for: {what}": "待機の対象: {what}",
    "waits for approval until {until}": "承認を待っています (期限 {until})",
    "work ended with exit code {exit}": "作業が終了コード {exit} で終わりました",
    "work started": "作業を開始しました",
    "work was interrupted": "作業が中断されました",
    "work was refused before it began": "作業は始まる前に拒否されました",
    "{frozen}; no target is taken out": "{frozen}。ターゲットは切り離しません",
    "{number:request} arrived after its drain had ended; drain.settle is too short": (
        "ドレイニング完了後にリクエストが {number} 件届きました。drain.settle が短すぎます"
    ),
    "{targets} {phase}": "{targets} ({phase})",
    "{what} since {since}": "{what}、{since} から",
}

_ANSWERS = {
    " (last owner {owner}{silent} is gone)": " (最後の実行プロセス {owner}{silent} は終了しました)",
    ", silent for {time},": " ({time}応答なし)",
    "To follow it: katakei logs -f {rollout}": "経過を見るには: katakei logs -f {rollout}",
    "To go on: katakei resume {rollout}": "再開するには: katakei resume {rollout}",
    "an older Katakei drives rollout {rollouts} and does not read the freeze of {name}: run katakei pause {first}": (
        "ロールアウト {rollouts} は古い Katakei が実行しており、{name} の凍結を読みません。"
        "止めるには: katakei pause {first}"
    ),
    "approved: {targets}": "承認しました: {targets}",
    "begins no other target": "次のターゲットは始めません",
    "begins one more attempt": "もう一度試行します",
    "begins the next target": "次のターゲットに進みます",
    "brings {busy} back into service and begins no other target": (
        "{busy} をサービスに戻し、次のターゲットは始めません"
    ),
    "checks what was approved and registers it again": "承認されたターゲットをチェックし、登録し直します",
    "continue by {again}, or give up by katakei abort {rollout}": (
        "続けるには: {again}、やめるには: katakei abort {rollout}"
    ),
    "driven by {owner}": "{owner} が実行しています",
    "ends the rollout": "ロールアウトを終了します",
    "ends their soak after two observations": "2 回の確認の後、様子見を終えます",
    "finishes {busy} and {then}": "{busy} を終わらせ、{then}",
    "last driven by {owner}{silent} which may still run; {go_on}": (
        "最後の実行プロセス {owner}{silent} はまだ動いている可能性があります。{go_on}"
    ),
    "not running{last}; {go_on}": "実行中のプロセスはありません{last}。{go_on}",
    "the pause between two waves of rollout {rollout} is ended": (
        "ロールアウト {rollout} のウェーブ間の待機を終えました"
    ),
    "promoted: {targets}": "プロモートしました: {targets}",
    "rollout {rollouts} finishes the targets in progress and waits before the next one": (
        "ロールアウト {rollouts} は進行中のターゲットを終わらせ、次のターゲットの前で待ちます"
    ),
    "rollout {rollout} goes on": "ロールアウト {rollout} を再開しました",
    "rollout {rollout} is paused": "ロールアウト {rollout} を一時停止しました",
    "runs the revert command on every target that was worked on": (
        "作業したすべてのターゲットでリバートのコマンドを実行します"
    ),
    "the abort of rollout {rollout} is recorded": "ロールアウト {rollout} の中止を記録しました",
    "the approval in rollout {rollout} is recorded": "ロールアウト {rollout} の承認を記録しました",
    "the denial in rollout {rollout} is recorded": "ロールアウト {rollout} の却下を記録しました",
    "the gate of rollout {rollout} is skipped": "ロールアウト {rollout} のゲートをスキップしました",
    "the gate {gate} waits for approval until {until}: {command}": (
        "ゲート {gate} の承認を待っています (期限 {until}): {command}"
    ),
    "the katakei roll command that began it": "開始したときと同じ katakei roll コマンド",
    "the retry in rollout {rollout} is recorded": "ロールアウト {rollout} の再試行を記録しました",
    "the revert of rollout {rollout} is recorded": "ロールアウト {rollout} のリバートを記録しました",
    "{done}; no process drives the rollout now. {go_on}": "{done}。今は実行中のプロセスがありません。{go_on}",
    "{done}; {owner} {task}. {follow}": "{done}。{owner} が{task}。{follow}",
    "{frozen}; no target is taken out. To lift it, run: katakei unfreeze {words}": (
        "{frozen}。ターゲットは切り離しません。解除するには: katakei unfreeze {words}"
    ),
    "{name} is not frozen any more; {who} had frozen it": "{name} の凍結を解除しました ({who} が凍結していました)",
}
_RECAP = {
    ", serves {release}": "、{release} で稼働",
    "; its command goes on running": "。コマンドは動き続けています",
    "; last lines:": "。出力の最後:",
    "; not reverted: {targets}{why}": "。リバートできなかったターゲット: {targets}{why}",
    "FAILED, but in service": "失敗、ただし稼働中",
    "NOT FINISHED": "未完了",
    "Next:": "次の操作:",
    "OUT OF SERVICE": "サービス外",
    "OUT OF SERVICE since before this rollout{reason}": "このロールアウトの前からサービス外{reason}",
    "approve the gate {gate}": "ゲート {gate} を承認",
    "back in service": "サービスに復帰",
    "back in service, not touched": "サービスに復帰、変更なし",
    "begin again": "最初から実行",
    "bring every target back": "すべてサービスに戻す",
    "carry on": "続きを実行",
    "deregister {targets} from {groups}": "{groups} から {targets} を登録解除",
    "in service": "稼働中",
    "in service again": "サービスに復帰",
    "its work may still run": "作業がまだ実行中の可能性があります",
    "no longer registered": "登録がなくなりました",
    "not touched": "変更なし",
    "out of service, as requested": "指示どおり切り離し済み",
    "put {targets} back": "{targets} を登録し直す",
    "register {targets} in {groups}": "{groups} に {targets} を登録",
    "reverted": "リバート済み",
    "reverted by {by}: {count}{named}": "{by} によるリバート: {count}{named}",
    "roll a fix": "修正版をロールアウト",
    "roll the rest": "残りをロールアウト",
    "say that the work is done": "作業の完了を承認",
    "see everything": "詳しく見る",
    "take it back": "リバートする",
    "take {release} back": "{release} をリバートする",
    "takes {targets} first": "{targets} から始めます",
    "try it again": "もう一度試す",
    "try {release} again": "{release} をもう一度試す",
    "with trouble, see: katakei show {rollout}": "に問題があります: katakei show {rollout}",
    "{count:target}": "{count} 台",
    "{number} more": "ほか {number} 台",
    "{number} of {touched:updated target} reverted": "更新した {touched} 台中 {number} 台をリバート",
    "{release} of {service} on {groups}": "{service} {release} → {groups}",
    "{release} on {groups}": "{release} → {groups}",
    "{service} on {groups}": "{service} → {groups}",
    "{target} (rollout {rollout})": "{target} (ロールアウト {rollout})",
    "{what} (rollout {rollout}, {took})": "{what} (ロールアウト {rollout}、{took})",
    "{why}; {now}": "{why}。{now}",
}

_CONSOLE = {
    "Frozen: no target is taken out until somebody lifts it.": "凍結しました。解除するまで、ターゲットはサービスから外されません。",
    "The freeze is lifted. A pause of a person stays.": "凍結を解除しました。一時停止中のロールアウトは、一時停止のままです。",
    "Token {token} is revoked, and its sessions ended.": "トークン {token} を失効し、そのセッションを終了しました。",
    ". ": "。",
    "an administrative override keeps traffic away from it": "管理上のオーバーライドでトラフィックが止められています",
    "no answer": "応答がありません",
}

_REPORT = {
    " (the last {shown} of {all} lines)": " (全 {all} 行のうち最後の {shown} 行)",
    "(no output)": "(出力なし)",
    "A person stopped the rollout.": "人がロールアウトを停止しました。",
    "Every target is in service.": "すべてのターゲットが稼働しています。",
    "Every target that was worked on serves what the revert brought.": (
        "作業したすべてのターゲットが、リバート後の内容で稼働しています。"
    ),
    "Everything else: {show}, {logs}": "そのほかの情報: {show}、{logs}",
    "Everything that happened": "すべての記録",
    "Everything that was requested was done.": "指示された作業はすべて完了しました。",
    "Exit code {code}.": "終了コードは {code} です。",
    "Minutes since {moment}. Point at a bar for details.": (
        "{moment} からの経過時間 (分) です。バーにカーソルを合わせると詳細を表示します。"
    ),
    "Not everything that was requested was done.": "指示された作業の一部が完了しませんでした。",
    "One command for each group. A click selects the whole command.": (
        "グループごとに 1 つのコマンドです。クリックするとコマンド全体を選択します。"
    ),
    "Output of failed work": "失敗した作業の出力",
    "Phases": "フェーズ",
    "Registrations that could serve. A registration counts as out from the decision to take it out until two"
    " observations, some seconds apart, show it healthy again. The dashed line is the floor.": (
        "稼働できた登録の数です。切り離しを決めてから、数秒おいた 2 回の確認で再び正常と判定されるまでは、"
        "切り離し中として数えます。破線は下限です。"
    ),
    "Restore every registration by hand": "すべての登録を手動で元に戻すコマンド",
    "Serving": "稼働数",
    "Targets": "ターゲット",
    "Targets are out of service.": "切り離されたままのターゲットがあります。",
    "The rollout goes on, or waits to be continued.": "ロールアウトは実行中か、再開を待っています。",
    "Why it waited": "待機の理由",
    "Work": "作業",
    "by": "実行者",
    "by hand": "手動",
    "by {who}": "実行者 {who}",
    "connections cut": "打ち切った接続",
    "floor {number}": "下限 {number}",
    "for what": "理由",
    "lasted": "時間",
    "longest out": "最長の切り離し",
    "median out": "切り離しの中央値",
    "none": "なし",
    "out for": "切り離し時間",
    "phase": "フェーズ",
    "requests after quiet": "ドレイニング完了後のリクエスト",
    "rollout": "ロールアウト",
    "rollout {rollout}": "ロールアウト {rollout}",
    "settle of {settle}, then until nothing is pending (until: {until})": (
        "settle の {settle}、その後は処理中のリクエストがなくなるまで (until: {until})"
    ),
    "steady service for {soak}": "{soak}の安定稼働",
    "target": "ターゲット",
    "the probe could not see its traffic: {why}": "プローブがトラフィックを確認できませんでした: {why}",
    "the work": "作業",
    "time": "時刻",
    "took": "所要時間",
    "until it was back in service": "サービスに復帰するまで",
    "until its check passed": "チェックに合格するまで",
    "until the work could begin": "作業を始められるまで",
    "until two observations, some seconds apart, showed it in service": "数秒おいた 2 回の確認で稼働と判定されるまで",
    "what": "内容",
    "when": "日時",
    "where": "場所",
    "why": "理由",
    "{begun} to {ended}": "{begun} ～ {ended}",
    "{begun}, not finished at {moment}": "{begun} 開始、{moment} の時点で未完了",
    "{group}: at least {fewest} of {base} served; the floor is {floor}": (
        "{group}: {base} 台中、最低でも {fewest} 台が稼働。下限は {floor} 台です"
    ),
    "{number:line}": "{number} 行",
    "{number:other target} without a reason to name": "ほかの {number} 台に問題はありません",
    "{phase} {lasted} from {begun}, attempt {attempt}{why}": "{phase} {lasted} ({begun} から、{attempt} 回目){why}",
    "{target}, attempt {attempt} ({intent}): exit code {exit}": "{target}、{attempt} 回目 ({intent}): 終了コード {exit}",
    "{what} by {command}": "{what}: {command}",
}

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        **_IN_REASONS,
        **_ACTS,
        **_MACHINES,
        **_RIGHTS,
        **_TABLES,
        **_PLAN,
        **_LIVE,
        **_EVENTS,
        **_ANSWERS,
        **_RECAP,
        **_CONSOLE,
        **_REPORT,
    }
)
