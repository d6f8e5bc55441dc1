"""Japanese texts of the command line: messages, questions, and the words of its help. The keys are the English texts."""

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        " with {release}": " ({release})",
        "({bytes} bytes of output before this were not kept)": "(これより前の出力 {bytes} バイトは保存されていません)",
        "({number:line} not shown: the output is not read)": "({number} 行を省略しました: 出力が読み取られていません)",
        "== {target}, attempt {attempt} ({intent}), exit code {exit}": (
            "== {target}、{attempt} 回目 ({intent})、終了コード {exit}"
        ),
        "Commands": "コマンド",
        "Error: invalid input": "エラー: y か n で答えてください",
        "Error: {fault}": "エラー: {fault}",
        "Examples:": "例:",
        "Go on? ({place})": "続行しますか? ({place})",
        "Is the process that holds {group} really gone? Two at once would harm it": (
            "{group} を保持しているプロセスは本当に終了していますか? 2 つが同時に動くと危険です"
        ),
        "Nothing says what to run on the targets. Do you do the work on each of them by hand?": (
            "ターゲットで実行するコマンドの指定がありません。各ターゲットの作業を手動で行いますか?"
        ),
        "Options": "オプション",
        "Press Enter when the work on the targets that are out is done.": (
            "切り離したターゲットの作業が終わったら、Enter を押してください。"
        ),
        "Run these commands?": "これらのコマンドを実行しますか?",
        "Run {command} on {number:target} of rollout {rollout}?": (
            "ロールアウト {rollout} の {number} 台で {command} を実行しますか?"
        ),
        "Run {command}{release} again on {targets}?": "{targets} で {command}{release} をもう一度実行しますか?",
        "Show the version and exit.": "バージョンを表示します。",
        "Show this message and exit.": "このヘルプを表示します。",
        "Try '{command} -h' for help.": "ヘルプ: {command} -h",
        "Usage:": "使い方:",
        "[default: {value}{more}]": "[既定: {value}{more}]",
        "{file} was not written: {why}": "{file} を書き込めませんでした: {why}",
        "a notification was not sent: {failure}": "通知を送信できませんでした: {failure}",
        "bringing back what is out of service": "切り離したターゲットをサービスに戻します",
        "carrying it on as it was planned": "計画どおりに続きを実行します",
        "every service": "すべてのサービス",
        "finishing the targets in progress; a second signal stops at once": (
            "進行中のターゲットを終えてから停止します。もう一度シグナルを送るとただちに停止します"
        ),
        "internal error: {kind}: {fault} (KATAKEI_DEBUG=1 shows where)": (
            "内部エラー: {kind}: {fault} (KATAKEI_DEBUG=1 で発生箇所を表示)"
        ),
        "it is not known whether the earlier work on {target} has ended; starting it again": (
            "{target} の前の作業が終わったか確認できません。もう一度開始します"
        ),
        "no longer following; the rollout goes on at the server": "追跡を終えます。ロールアウトはサーバーで続きます",
        "no process drives the rollout now; waiting for one that continues it": (
            "ロールアウトを実行中のプロセスがありません。再開されるのを待ちます"
        ),
        "no work has ended there yet, or it was manual work": "終わった作業がまだないか、手動の作業です",
        "output of {target}, exit code {exit}": "{target} の出力、終了コード {exit}",
        "reverting what it worked on": "作業したターゲットをリバートします",
        "revoked {moment}": "{moment} に失効",
        "rollout {rollout} goes on at the server; to follow it: katakei logs -f {rollout}": (
            "ロールアウト {rollout} はサーバーで続きます。経過を見るには: katakei logs -f {rollout}"
        ),
        "rollout {rollout} of {service} is started; to follow it: katakei logs -f {rollout}": (
            "{service} のロールアウト {rollout} を開始しました。経過を見るには: katakei logs -f {rollout}"
        ),
        "rollout {rollout} was not finished: {how}": "ロールアウト {rollout} は未完了です。{how}",
        "rollout {rollout} was recorded by {who}. On its targets it runs:": (
            "ロールアウト {rollout} は {who} が記録したものです。ターゲットで次のコマンドを実行します:"
        ),
        "stopped; the journal is safe": "停止しました。ジャーナルは無事です",
        "the abort could not be recorded: {error}": "中止を記録できませんでした: {error}",
        "the plan has changed since you were asked; this is the new one": (
            "確認している間に計画が変わりました。新しい計画は次のとおりです"
        ),
        "there is no token": "トークンはありません",
        "this Mac stays awake while a target is out (caffeinate)": (
            "ターゲットを切り離している間、この Mac をスリープさせません (caffeinate)"
        ),
        "token {id} is revoked": "トークン {id} を失効させました",
        "token {id} of {name}, valid until {until}:": "{name} のトークン {id}、有効期限 {until}:",
        "until {moment}": "期限 {moment}",
        "{error}; try again in a moment": "{error}。少し待ってからもう一度試してください",
        "{group} is free; it was held by {owner}": "{group} を解放しました。{owner} が保持していました",
        "{group} was not held by anybody": "{group} を保持しているプロセスはありませんでした",
        "{journal}: schema {newest}, as this katakei needs it": (
            "{journal}: スキーマ {newest} です。この katakei で使えます"
        ),
        "{journal}: tables created, schema {newest}": "{journal}: テーブルを作成しました (スキーマ {newest})",
        "{journal}: upgraded from schema {found} to {newest}": (
            "{journal}: スキーマを {found} から {newest} にアップグレードしました"
        ),
        "{now}, every {seconds} s; Ctrl-C ends": "{now}、{seconds} 秒ごとに更新。Ctrl-C で終了",
        "{role} of {service}": "{service}: {role}",
        "{subject} is gone": "{subject} がなくなりました",
        "{target} is worked on since {since}; its output is shown when that has ended": (
            "{target} は {since} から作業中です。終わると出力を表示します"
        ),
    }
)
