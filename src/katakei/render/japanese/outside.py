"""Japanese for finished English sentences about what is outside: AWS, journals, servers, probes and checks.

The form is that of `japanese.errors`. Sentences about rare faults are missing here, and are shown in English.
"""

from collections.abc import Mapping
from types import MappingProxyType

_AWS = {
    "AWS cannot be asked: Unable to locate credentials in {place}; give --profile, or set the credentials as for the aws command": (
        "AWS に接続できません。{place} に認証情報がありません。--profile を指定するか、aws コマンドと同じように認証情報を設定してください"
    ),
    "AWS did not answer {call}: {why}": "AWS が {call} に応答しません: {why}",
    "AWS does not accept these credentials: check --profile and the keys (AWS says: {code}, {why})": (
        "AWS がこの認証情報を受け付けません。--profile とキーを確認してください (AWS: {code}, {why})"
    ),
    "Run Command does not know the instance, or it is shutting down ({why})": (
        "Run Command がこのインスタンスを認識していないか、シャットダウン中です ({why})"
    ),
    "a load balancer was deleted just now ({why})": "ロードバランサーが今しがた削除されました ({why})",
    "asked {done} of {total} target groups, about {left} to go": (
        "ターゲットグループ {total} 件中 {done} 件を取得しました。残り約 {left:span}"
    ),
    "limits.working is longer than the {most} that Run Command lets a command run: set it to {less} or less": (
        "limits.working が Run Command の上限 {most:span}を超えています。{less:span}以下にしてください"
    ),
    "no call was made: Katakei's own limit of AWS calls, half of the documented one, is used up for now": (
        "API を呼び出しませんでした。Katakei 自身の呼び出し上限 (AWS の上限の半分) に達しています"
    ),
    "the AWS credentials have expired: renew them (AWS says: {why})": (
        "AWS の認証情報の期限が切れました。更新してください (AWS: {why})"
    ),
    "the clock of this machine is wrong by minutes: set it (AWS says: {why})": (
        "このマシンの時計が数分以上ずれています。合わせてください (AWS: {why})"
    ),
    "the command takes {number} characters with its values and what is sent with it, more than Run Command carries ({most}): put it into a script on the target and call that": (
        "コマンドが付随する値を含めて {number} 文字あり、Run Command の上限 ({most}) を超えています。ターゲット上のスクリプトにして呼び出してください"
    ),
    "there is no such target group in this account and region (AWS says: {why})": (
        "このアカウントとリージョンに、そのターゲットグループはありません (AWS: {why})"
    ),
    "this machine did not answer within {seconds}s": "マシンが {seconds} 秒以内に応答しませんでした",
    "{group} is in {region}, but {asked} is asked; give --region {again}": (
        "{group} は {region} にありますが、{asked} に問い合わせています。--region {again} を指定してください"
    ),
    "{group} is not the ARN of a target group; it looks like arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/NAME/0123456789abcdef": (
        "{group} はターゲットグループの ARN ではありません。"
        "例: arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/NAME/0123456789abcdef"
    ),
    "no process could be started on this machine: {why}": "このマシンでプロセスを起動できませんでした: {why}",
}

_JOURNALS = {
    "a freeze until {until} has ended already: by the journal's clock it is {now}. Give a later moment": (
        "凍結の期限 {until} はすでに過ぎています (ジャーナルの時計は {now})。より後の時刻を指定してください"
    ),
    "a journal at {scheme}:// is not supported: give a path, s3://bucket/prefix, or postgresql://user@host/database": (
        "{scheme}:// のジャーナルには対応していません。パス、s3://bucket/prefix、postgresql://user@host/database のいずれかを指定してください"
    ),
    "an event in the journal cannot be read ({why}): use the version of Katakei that wrote it": (
        "ジャーナルの記録を読み取れません ({why})。書き込んだバージョンの Katakei を使ってください"
    ),
    "another process has taken over: this one writes nothing and starts nothing more": (
        "別のプロセスが引き継ぎました。このプロセスは以後、書き込みも開始も行いません"
    ),
    "rollout {rollout} was written by a newer Katakei (events of version {found}, this one knows {known}): use that version; nothing was changed": (
        "ロールアウト {rollout} は新しい Katakei (イベントのバージョン {found}、ここでは {known}) の記録です。"
        "そのバージョンを使ってください。何も変更していません"
    ),
    "several processes want {group} in this very moment: try again": (
        "複数のプロセスが同時に {group} を使おうとしています。もう一度試してください"
    ),
    "the journal {journal} cannot be opened: {why}": "ジャーナル {journal} を開けません: {why}",
    "the journal {journal} cannot be opened: {why}; create it first": (
        "ジャーナル {journal} を開けません: {why}。先に作成してください"
    ),
    "the journal {journal} cannot be reached ({why}): check its folder, or give another --journal": (
        "ジャーナル {journal} を使えません ({why})。フォルダーを確認するか、別の --journal を指定してください"
    ),
    "the journal {journal} cannot be reached ({why}): check the server and the network": (
        "ジャーナル {journal} に接続できません ({why})。サーバーとネットワークを確認してください"
    ),
    "the journal {journal} closed the connection: whether it was written is not known": (
        "ジャーナル {journal} が接続を閉じました。書き込めたかどうかは不明です"
    ),
    "the journal {journal} did not answer: whether it was written is not known": (
        "ジャーナル {journal} の応答がありません。書き込めたかどうかは不明です"
    ),
    "the journal {journal} has the schema {found} of an older Katakei (this one needs {needed}): stop its workers and servers, then {command}": (
        "ジャーナル {journal} は古い Katakei のスキーマ {found} です ({needed} が必要)。ワーカーとサーバーを停止してから {command}"
    ),
    "the journal {journal} has no tables yet: {command}": "ジャーナル {journal} にテーブルがまだありません: {command}",
    "the journal {journal} is a standby: give the host of the primary": (
        "ジャーナル {journal} はスタンバイです。プライマリーのホストを指定してください"
    ),
    "the journal {journal} is busy ({why}): nothing was written": "ジャーナル {journal} が混み合っています ({why})。何も書き込んでいません",
    "the journal {journal} is not a valid location in S3: give s3://bucket/prefix": (
        "ジャーナル {journal} は S3 の場所として正しくありません。s3://bucket/prefix の形で指定してください"
    ),
    "the journal {journal} is too busy: nothing was written, try again": (
        "ジャーナル {journal} が混み合っています。何も書き込んでいません。もう一度試してください"
    ),
    "the journal {journal} is too busy: the command was not recorded, try again": (
        "ジャーナル {journal} が混み合っています。操作は記録されていません。もう一度試してください"
    ),
    "the journal {journal} names no file: give a path, or sqlite:////absolute/path.db": (
        "ジャーナル {journal} はファイルを指していません。パスか sqlite:////absolute/path.db を指定してください"
    ),
    "the journal {journal} needs packages that are not installed: install katakei with the extra postgres": (
        "ジャーナル {journal} に必要なパッケージがありません。katakei[postgres] をインストールしてください"
    ),
    "the journal {journal} was deleted or replaced while it was in use: put it back and start again, or register what is out of service with the commands that were printed first": (
        "使用中のジャーナル {journal} が削除または置き換えられました。元に戻して再実行するか、最初に表示したコマンドで切り離したターゲットを登録してください"
    ),
    "the journal {journal} was written by a newer Katakei (schema {found}, this one knows {known}): use that version; nothing was changed": (
        "ジャーナル {journal} は新しい Katakei (スキーマ {found}、ここでは {known}) のものです。"
        "そのバージョンを使ってください。何も変更していません"
    ),
    "there is no bucket for {journal}: create it, or give another --journal": (
        "{journal} のバケットがありません。作成するか、別の --journal を指定してください"
    ),
    "these credentials belong to account {account}, not to that of {group}: give others": (
        "この認証情報はアカウント {account} のもので、{group} のアカウントとは異なります。別の認証情報を指定してください"
    ),
    "{group} is held by {rollout}: {owner}{state}. The same command takes over once it has been silent for {seconds}s": (
        "{group} は {rollout} が使用中です: {owner}{state}。{seconds} 秒応答がなければ、同じコマンドで引き継ぎます"
    ),
    "{held}; it is watched for that long now": "{held:text}。その間、応答を確認します",
    "{file} is a database of something else: give another path with --journal": (
        "{file} は別の用途のデータベースです。--journal で別のパスを指定してください"
    ),
    "{path} begins with a home folder that is not known; give an absolute path": (
        "{path} のホームフォルダーが不明です。絶対パスで指定してください"
    ),
}

_SERVERS = {
    "the URL of the server holds a password: remove it, and give a token in KATAKEI_TOKEN": (
        "サーバーの URL にパスワードが含まれています。削除し、トークンを KATAKEI_TOKEN で渡してください"
    ),
    "the certificate of {server} is not accepted ({why}): use the name in it, or give the CA file in SSL_CERT_FILE": (
        "{server} の証明書を受け入れられません ({why})。証明書の名前を使うか、CA ファイルを SSL_CERT_FILE で指定してください"
    ),
    "the server has no target group {group}; katakei groups lists those there are": (
        "サーバーにターゲットグループ {group} はありません。katakei groups で一覧を表示します"
    ),
    "the server http://{server} would get the token unencrypted: give an https:// URL": (
        "http://{server} ではトークンが暗号化されません。https:// の URL を指定してください"
    ),
    "the server {server} cannot be reached ({why}): check the URL and the network": (
        "サーバー {server} に接続できません ({why})。URL とネットワークを確認してください"
    ),
    "the server {server} did not answer ({why})": "サーバー {server} の応答がありません ({why})",
    "the server {server} is not a URL: give https://host": "サーバー {server} は URL ではありません。https://host の形で指定してください",
    "the server {server} is not the URL of a server: give https://host": (
        "{server} はサーバーの URL ではありません。https://host の形で指定してください"
    ),
    "the server's answer cannot be read: use the version of Katakei that the server has": (
        "サーバーの応答を読み取れません。サーバーと同じバージョンの Katakei を使ってください"
    ),
    "{server} answered with status {status}; check the URL of the server": (
        "{server} がステータス {status} を返しました。サーバーの URL を確認してください"
    ),
    "{server} did not answer as a Katakei server does; check the URL of the server": (
        "{server} の応答が Katakei サーバーのものではありません。サーバーの URL を確認してください"
    ),
}

_TARGETS = {
    "no connection": "接続なし",
    "{number:connection}, none holds a request": "接続 {number} 件、処理中のリクエストなし",
    "{number:connection}, whose silence cannot be seen there without ss": "接続 {number} 件 (ss がないため通信の有無を確認できません)",
    "connections cannot be seen there: it has neither ss nor a readable /proc/net/tcp": (
        "ss も読み取れる /proc/net/tcp もないため、接続を確認できません"
    ),
    "its counter says {number} in flight": "カウンターの値: 処理中 {number} 件",
    "its counter said 0 for {time}": "カウンターが {time:span}0 でした",
    "its counter says 0, but not yet for {time}": "カウンターは 0 ですが、まだ {time:span}続いていません",
    "its counter told no number{more}": "カウンターから数値を取得できませんでした{more}",
    "refused the connection": "接続を拒否しました",
    "{question} answered {status}, expected {expected}": "{question} の応答は {status}、期待値は {expected}",
    "{question} had no answer within {seconds} s": "{question} は {seconds} 秒以内に応答しませんでした",
    "{place} did not answer within {seconds} s": "{place} は {seconds} 秒以内に応答しませんでした",
    "no connection within {seconds} s": "{seconds} 秒以内に接続できませんでした",
}

TEXTS: Mapping[str, str] = MappingProxyType({**_AWS, **_JOURNALS, **_SERVERS, **_TARGETS})
