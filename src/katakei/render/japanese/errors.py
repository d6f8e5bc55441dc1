"""Japanese for finished English sentences of the program: errors of usage, refusals, configuration, and its own notes.

What differs in a sentence has a name in braces. `{n:thing}` is a number with its noun, in English only. `{x:text}` is a
sentence itself, `{x:span}` a duration, `{x:list}` a list and `{x:lines}` a sentence on each line,
in Japanese only.
"""

from collections.abc import Mapping
from types import MappingProxyType

_USAGE = {
    "--all-groups and --only-these-groups contradict each other: give one of them": (
        "--all-groups と --only-these-groups は同時に使えません。どちらか一方を指定してください"
    ),
    "--all-groups takes the whole machine out: give the target without a port": (
        "--all-groups はマシン全体を外します。ターゲットはポートなしで指定してください"
    ),
    "--deny denies a gate: name it with --gate": "--deny はゲートの却下です。--gate でゲートを指定してください",
    "--gate answers a gate of the whole rollout: name no target": (
        "--gate はロールアウト全体のゲートへの回答です。ターゲットは指定しないでください"
    ),
    "--full asks the targets from this machine: leave --follow and --server out": (
        "--full はこのマシンからターゲットに問い合わせます。--follow と --server は外してください"
    ),
    "--full needs the targets to ask: name them after the rollout": (
        "--full には問い合わせるターゲットが必要です。ロールアウトの後に指定してください"
    ),
    "--list freezes nothing: leave everything else out": "--list は表示だけです。ほかの指定を外してください",
    "--manual leaves the work to you, but something else says what to run: give one of them": (
        "--manual は手動の作業ですが、実行するコマンドも指定されています。どちらか一方にしてください"
    ),
    "the gate {gate} of rollout {rollout} reads a condition: nobody answers it": (
        "ロールアウト {rollout} のゲート {gate} は条件を調べるゲートで、承認や却下はできません"
    ),
    "the gate {gate} stopped the rollout: nobody can change that": (
        "ゲート {gate} がロールアウトを停止しました。変更はできません"
    ),
    "--only-outdated needs --release: it leaves targets alone that have that release": (
        "--only-outdated には --release が必要です。そのリリースが導入済みのターゲットを対象外にします"
    ),
    "which targets are outdated depends on the release: name it": (
        "どのターゲットが古いかはリリースで決まります。リリースを指定してください"
    ),
    "--reason says why a gate is skipped: name the gate with --skip-gate": (
        "--reason はゲートをスキップする理由です。--skip-gate でゲートを指定してください"
    ),
    "--run and a configuration file both say what to run: give one of them": (
        "--run と設定ファイルの両方で実行内容が指定されています。どちらか一方にしてください"
    ),
    "./{file} is of {groups}, not of {group}: give -f FILE, or --run CMD, or --manual to do the work by hand": (
        "./{file} は {groups:list} 用で、{group} 用ではありません。-f FILE、--run CMD、または手動作業の --manual を指定してください"
    ),
    "KATAKEI_LOG={value} is no log level: write {levels} or {last}, with :json after it for JSON": (
        "KATAKEI_LOG={value} はログレベルではありません。{levels}, {last} のいずれかを指定してください (JSON なら後ろに :json)"
    ),
    "a gate is skipped for a reason: say it with --reason": "ゲートのスキップには理由が必要です。--reason で指定してください",
    "a group and --service name two different things: give one of them": (
        "グループと --service は別のものを指します。どちらか一方を指定してください"
    ),
    "a journal in PostgreSQL needs {package}: install katakei[postgres]": (
        "PostgreSQL のジャーナルには {package} が必要です。katakei[postgres] をインストールしてください"
    ),
    "a server needs {package}: install katakei[serve]": (
        "サーバーには {package} が必要です。katakei[serve] をインストールしてください"
    ),
    "every user of this machine can read a password in --journal: put it into PGPASSWORD or ~/.pgpass, or the whole URL into KATAKEI_JOURNAL": (
        "--journal のパスワードは、このマシンの全ユーザーから見えます。PGPASSWORD か ~/.pgpass に置くか、URL 全体を KATAKEI_JOURNAL に設定してください"
    ),
    "katakei serve needs {package}: install katakei[serve]": (
        "katakei serve には {package} が必要です。katakei[serve] をインストールしてください"
    ),
    "katakei worker needs {package}: install katakei[postgres]": (
        "katakei worker には {package} が必要です。katakei[postgres] をインストールしてください"
    ),
    "not confirmed within {time}; nothing was changed": "{time:span}以内に確認されませんでした。何も変更していません",
    "not confirmed within {minutes}m; nothing was changed": "{minutes}分以内に確認されませんでした。何も変更していません",
    "not confirmed; nothing was changed": "確認されませんでした。何も変更していません",
    "the lab and the demo need Linux: run them in a Linux container or virtual machine. Every other command works on this machine": (
        "lab と demo には Linux が必要です。Linux のコンテナか仮想マシンで実行してください。ほかのコマンドはこのマシンで使えます"
    ),
    "the lab needs packages that are not installed ({missing}): pip install '{package}'": (
        "lab に必要なパッケージがありません ({missing}): pip install '{package}'"
    ),
    "the output cannot be written ({why}); nothing else is wrong": "出力を書き込めません ({why})。ほかに問題はありません",
    "the token file {file} cannot be read: check KATAKEI_TOKEN_FILE": (
        "トークンファイル {file} を読み取れません。KATAKEI_TOKEN_FILE を確認してください"
    ),
    "there is no completion for {shell}": "{shell} の補完はありません",
    "there is no command {word}; {hint}": "コマンド {word} はありません。{hint:text}",
    "did you mean {words}?": "もしかして: {words}",
    "katakei help lists those there are": "katakei help でコマンドの一覧を表示します",
    "this is a CI job and its journal would end with it, so that nobody could carry the rollout on: give --journal s3://bucket/prefix or a file that outlives the job, or accept that with --ephemeral": (
        "CI のジョブのジャーナルはジョブとともに消え、ロールアウトを続けられなくなります。--journal s3://bucket/prefix か、"
        "ジョブの後も残るファイルを指定するか、承知のうえで --ephemeral を付けてください"
    ),
    "this job has no token for the server: give a deploy token in KATAKEI_TOKEN; or, on GitHub Actions, set permissions: id-token: write; or, on GitLab, set id_tokens: KATAKEI_ID_TOKEN": (
        "このジョブにはサーバーのトークンがありません。KATAKEI_TOKEN にデプロイ用トークンを設定してください。"
        "GitHub Actions では permissions: id-token: write、GitLab では id_tokens: KATAKEI_ID_TOKEN でも構いません"
    ),
    "what is to be run on the targets? give -f FILE or --run CMD; to do the work by hand, add --manual": (
        "ターゲットで実行する内容がありません。-f FILE か --run CMD を指定してください。手動で作業するなら --manual を付けてください"
    ),
    "which server? give --server URL, or export KATAKEI_SERVER": (
        "サーバーの指定がありません。--server URL か環境変数 KATAKEI_SERVER で指定してください"
    ),
    "which target group? give its name or ARN, or export TARGET_GROUP_ARN": (
        "ターゲットグループの指定がありません。名前か ARN、または環境変数 TARGET_GROUP_ARN で指定してください"
    ),
    "which target of {group}? give instance ids, IPs or names, or export INSTANCE_ID": (
        "{group} のターゲットの指定がありません。インスタンス ID、IP、名前、または環境変数 INSTANCE_ID で指定してください"
    ),
    "{file} cannot be written ({why}): give another file with {option}": (
        "{file} に書き込めません ({why})。{option} で別のファイルを指定してください"
    ),
    "{file} cannot be written ({why}): give another file with -o": (
        "{file} に書き込めません ({why})。-o で別のファイルを指定してください"
    ),
    "{option} does not go together with --server: the server's services say what to roll": (
        "{option} は --server と同時に使えません。内容はサーバーのサービスで決まります"
    ),
    "{act} is no act; the acts are {acts}": "{act} という操作はありません。操作は {acts} です",
    "{command} works on this machine only: leave --server out, and unset KATAKEI_SERVER": (
        "{command} はこのマシンでだけ使えます。--server を外し、KATAKEI_SERVER を解除してください"
    ),
    "which service?": "サービスの指定がありません",
    "the server has no service {service}": "サーバーにサービス {service} はありません",
    "{what}; there are: {known}": "{what:text}。指定できるもの: {known:list}",
    "the server carries it out": "サーバーが実行します",
    "rollout {rollout} was finished meanwhile": "ロールアウト {rollout} はその間に終了しました",
}

_ROLLOUTS = {
    "every target that rollout {rollout} worked on was reverted already": (
        "ロールアウト {rollout} が作業したターゲットは、すべてリバート済みです"
    ),
    "no rollout is unfinished: name one, or type {last} for the newest; there are {known}": (
        "未完了のロールアウトはありません。指定するか、最新なら {last} と入力してください。候補: {known:list}"
    ),
    "which rollout? {number} are not finished: {known}": (
        "どのロールアウトか指定してください。未完了が {number} 件あります: {known:list}"
    ),
    "{typed} is the beginning of several rollouts: {known}": "{typed} で始まるロールアウトが複数あります: {known:list}",
    "there is no rollout in this journal": "このジャーナルにロールアウトはありません",
    "there is no rollout {rollout} in this journal: `katakei list` shows those there are": (
        "このジャーナルにロールアウト {rollout} はありません。`katakei list` で一覧を表示します"
    ),
    "no rollout {rollout} in this journal": "このジャーナルにロールアウト {rollout} はありません",
    "no rollout {rollout} in this journal{more} (see `katakei list`)": (
        "このジャーナルにロールアウト {rollout} はありません{more:text} (一覧は `katakei list`)"
    ),
    "no target group is named {name}; katakei groups lists those there are": (
        "{name} という名前のターゲットグループはありません。katakei groups で一覧を表示します"
    ),
    "no target of rollout {rollout} failed; name the targets to try again": (
        "ロールアウト {rollout} に失敗したターゲットはありません。再試行するターゲットを指定してください"
    ),
    "; the newest are {rollouts}": "。最新: {rollouts}",
    "; a gate is answered by katakei approve --gate: {gates}": "。ゲートには katakei approve --gate で回答します: {gates:list}",
    "no target of rollout {rollout} soaks now: there is nothing to promote{more}": (
        "ロールアウト {rollout} に様子見中のターゲットはないため、プロモートできません{more:text}"
    ),
    "rollout {rollout} has no gate {gate}; its gates: {gates}": (
        "ロールアウト {rollout} にゲート {gate} はありません。ゲート: {gates:list}"
    ),
    "rollout {rollout} is being aborted: its gates wait for no answer any more": (
        "ロールアウト {rollout} は中止処理中です。ゲートへの回答は不要になりました"
    ),
    "rollout {rollout} is being aborted: no other target is begun anyway": (
        "ロールアウト {rollout} は中止処理中です。次のターゲットは始まりません"
    ),
    "rollout {rollout} is being {what}: wait until it has ended, then retry": (
        "ロールアウト {rollout} は中止またはリバートの処理中です。終わってから再試行してください"
    ),
    "rollout {rollout} is finished; there is nothing to {what}": (
        "ロールアウト {rollout} は終了しています。この操作の対象がありません ({what})"
    ),
    "rollout {rollout} is not paused": "ロールアウト {rollout} は一時停止していません",
    "rollout {rollout} is paused already: to go on, run katakei resume {again}": (
        "ロールアウト {rollout} はすでに一時停止しています。再開するには: katakei resume {again}"
    ),
    "rollout {rollout} is paused: run katakei resume {again} first": (
        "ロールアウト {rollout} は一時停止しています。先に katakei resume {again} を実行してください"
    ),
    "rollout {rollout} of the same group is not finished: carry it on or abort it first": (
        "同じグループのロールアウト {rollout} が終わっていません。先に続きを実行するか、中止してください"
    ),
    "rollout {rollout} of {service} is not finished and differs: {differences}. Carry it on as planned with --as-recorded, {more}": (
        "{service} のロールアウト {rollout} が終わっておらず、内容が異なります: {differences}。"
        "--as-recorded で記録どおりに続けるか、katakei abort で中止してください"
    ),
    "rollout {rollout} of {service} would run commands as the user of this server, which was not allowed for this service; carry it on where it was started, or allow it where the server is started": (
        "{service} のロールアウト {rollout} はこのサーバーのユーザーでコマンドを実行しますが、このサービスには許可されていません。"
        "開始した場所で続けるか、サーバーの起動時に許可してください"
    ),
    "rollout {rollout} was begun meanwhile and is not finished: give the same command again": (
        "その間にロールアウト {rollout} が始まり、終わっていません。同じコマンドをもう一度実行してください"
    ),
    "rollout {rollout} worked on no target: there is nothing to revert": (
        "ロールアウト {rollout} はどのターゲットでも作業していないため、リバートするものがありません"
    ),
    'rollout {rollout}{release} was planned without a revert command: roll the earlier release again. For the next time, write revert: {{ssm: {{run: "./revert"}}}} into katakei.yml': (
        "ロールアウト {rollout}{release} にはリバートのコマンドがありません。前のリリースをもう一度ロールアウトしてください。"
        '次回のために katakei.yml に revert: {{ssm: {{run: "./revert"}}}} と書いてください'
    ),
    "the gate {gate} of rollout {rollout} is not due yet; waiting: {waiting}": (
        "ロールアウト {rollout} のゲート {gate} はまだ順番ではありません。待機中: {waiting:list}"
    ),
    "the gate {gate} of rollout {rollout} was {state} already{by}": (
        "ロールアウト {rollout} のゲート {gate} は回答済みです ({state}{by})"
    ),
    "the gate {gates} waits: to approve it, run katakei approve {rollout} --gate {gate}": (
        "ゲート {gates} が承認を待っています。承認するには: katakei approve {rollout} --gate {gate}"
    ),
    "the lease of {group} is the server's: run katakei unlock on its machine": (
        "{group} のリースはサーバーのものです。サーバーのマシンで katakei unlock を実行してください"
    ),
    "the plan has changed since it was shown; nothing was changed: plan again and confirm that": (
        "表示した後に計画が変わりました。何も変更していません。もう一度計画し、確認してください"
    ),
    "the question of the gate {gate} expired at {moment}: it is too late": (
        "ゲート {gate} の承認の期限は {moment} に切れました。もう回答できません"
    ),
    "the reason has {number} characters: write at most {most}": "理由が {number} 文字あります。{most} 文字以内にしてください",
    "the target groups were replaced meanwhile: give the same command again": (
        "その間にターゲットグループが置き換えられました。同じコマンドをもう一度実行してください"
    ),
    "the rest of the output cannot be read with work: {executor}": (
        "work: {executor} では、出力の残りを読み取れません"
    ),
    "the work cannot begin: {why}": "作業を始められません: {why:text}",
    "the drain cannot be probed: {why}; correct that, or write until: [requests, proof]": (
        "ドレイニングを確認できません: {why:text}。原因を取り除くか、until: [requests, proof] と書いてください"
    ),
    "the work on {targets} and the gate {gates} wait: name the target, or run katakei approve {rollout} --gate {gate}": (
        "{targets:list} の作業とゲート {gates} が承認を待っています。ターゲットを指定するか、katakei approve {rollout} --gate {gate} を実行してください"
    ),
    "{by} denied the gate {gate}: the rollout ends, and nobody can change that": (
        "{by} がゲート {gate} を却下しました。ロールアウトは終了し、取り消せません"
    ),
    "{owner} drives rollout {rollout} with an older Katakei, which cannot read this command: give the command with that version. Nothing was changed": (
        "ロールアウト {rollout} は {owner} が古い Katakei で実行しており、このコマンドを読めません。そのバージョンで操作してください。何も変更していません"
    ),
    "{name} fits several freezes: give the ARN, of {known}": (
        "{name} に当てはまる凍結が複数あります。ARN で指定してください: {known:list}"
    ),
    "{target} is done and did not fail; to do its work again, add --again": (
        "{target} は失敗せず完了しています。もう一度作業するには --again を付けてください"
    ),
    "{name} is not frozen; frozen: {known}": "{name} は凍結されていません。凍結中: {known:list}",
    "{name} is not the name of a service; give the name of one": (
        "{name} はサービス名ではありません。サービス名を指定してください"
    ),
    "{name} stays frozen: {who} says so ({why}); change that file": (
        "{name} の凍結は {who} の設定によるものです ({why})。そのファイルを変更してください"
    ),
    "{targets} waits for no approval; waiting: {waiting}": (
        "{targets:list} は承認を待っていません。待機中: {waiting:list}"
    ),
    "{why}. To lift it, run: katakei unfreeze {name}": "{why:text}。解除するには: katakei unfreeze {name}",
    "rollout {rollout} worked on {target} since; {would}: roll again instead": (
        "その後のロールアウト {rollout} が {target} で作業しています。代わりに、もう一度ロールアウトしてください"
    ),
    "{name} {problem} of rollout {rollout}; there are: {known}": (
        "{name} では、ロールアウト {rollout} のターゲットを 1 台に特定できません。ターゲット: {known:list}"
    ),
    "{owner} drives rollout {rollout}": "{owner} がロールアウト {rollout} を実行しています",
    "{rollout} was a manual step: {advice}": "{rollout} は手動の 1 ステップのため、この操作はできません",
    "{told}; waiting for at most {time}": "{told:text}。最長 {time:span}待ちます",
    "none": "なし",
}

_SERVERS = {
    "--base-url {url} is not a URL: give https://host": "--base-url {url} は URL ではありません。https://host の形で指定してください",
    "--base-url {url} is not the URL of a server: give https://host, without a path": (
        "--base-url {url} はサーバーの URL ではありません。パスなしの https://host で指定してください"
    ),
    "--dev lets everybody in who reaches {host}: use it only with a loopback address": (
        "--dev では {host} に届く人は誰でも入れます。ループバックアドレスでだけ使ってください"
    ),
    "--dev: everybody who reaches this address on this machine is signed in as an admin": (
        "--dev: このマシンでこのアドレスを開いた人は、全員が管理者としてサインインします"
    ),
    "a token is valid for more than 0 and at most 366 days; give such a time": (
        "トークンの有効期間は 0 日より長く 366 日以内で指定してください"
    ),
    "cannot listen on {address} ({why}): give another address for the figures": (
        "{address} で待ち受けできません ({why})。メトリクス用に別のアドレスを指定してください"
    ),
    "cannot listen on {host} port {port} ({why}): give another --port": (
        "{host} のポート {port} で待ち受けできません ({why})。--port で別のポートを指定してください"
    ),
    "group {group} cannot be read now": "グループ {group} を今は読み取れません",
    "group {group} cannot be read: an internal error occurred; it is in the log": (
        "内部エラーのためグループ {group} を読み取れません。ログを確認してください"
    ),
    "it is not frozen any more; nothing was changed": "すでに凍結が解除されています。何も変更していません",
    "no rollout of {service} can be started before its file is corrected:\n{faults}": (
        "ファイルを修正するまで {service} のロールアウトは開始できません:\n{faults:lines}"
    ),
    "no service of this server works in account {account} in {region}; add a service with credentials for it": (
        "{region} のアカウント {account} を扱うサービスがありません。その認証情報を持つサービスを追加してください"
    ),
    "nobody can sign in yet. This link signs in once, as an admin, within 15 minutes:\n  {link}": (
        "まだ誰もサインインできません。次のリンクで、15 分以内に一度だけ管理者としてサインインできます:\n  {link}"
    ),
    "serving on {url}": "{url} で提供しています",
    "the database has no task queue yet: run katakei db upgrade": (
        "データベースにタスクキューがまだありません。katakei db upgrade を実行してください"
    ),
    "the file of service {service} has faults: correct it first": (
        "サービス {service} のファイルにエラーがあります。先に修正してください"
    ),
    "the name of a token has up to 64 letters, digits and . _ @ + -; give such a name": (
        "トークンの名前は 64 文字以内の英数字と . _ @ + - で指定してください"
    ),
    "the server has ended; rollouts that are not finished go on at the next start": (
        "サーバーを終了しました。未完了のロールアウトは次の起動時に続きます"
    ),
    "the task queue did not answer ({why})": "タスクキューの応答がありません ({why})",
    "the task queue refuses this user: {why}": "タスクキューがこのユーザーを拒否しました: {why}",
    "the token has no role; give a role for a service, or for every service": (
        "トークンにロールがありません。サービスごと、または全サービスのロールを指定してください"
    ),
    "the token {token} is revoked already": "トークン {token} はすでに失効しています",
    "the worker has ended; its rollouts go on in another one": (
        "ワーカーを終了しました。ロールアウトは別のワーカーが引き継ぎます"
    ),
    "there is no rollout {rollout}; the list of rollouts has those there are": (
        "ロールアウト {rollout} はありません。ロールアウトの一覧で確認してください"
    ),
    "there is no token with this id; list the tokens for the ids that exist": (
        "この ID のトークンはありません。トークンの一覧で ID を確認してください"
    ),
    "this server has no figures": "このサーバーはメトリクスを提供していません",
    "this server has no service {service}; GET /api/v1/services lists those there are": (
        "このサーバーにサービス {service} はありません。一覧は GET /api/v1/services です"
    ),
    "this server has no service {service}; {more}": "このサーバーにサービス {service} はありません ({more})",
    "this worker drives the rollouts of {journal}, {number} turns at once": (
        "このワーカーは {journal} のロールアウトを実行します (同時に {number} 件の処理)"
    ),
    "figures on http://{place}/metrics": "メトリクス: http://{place}/metrics",
    "workers share a journal in PostgreSQL: give --journal postgresql://user@host/database; with another journal, katakei serve drives the rollouts itself": (
        "ワーカーには PostgreSQL の共有ジャーナルが必要です。--journal postgresql://user@host/database を指定してください。"
        "ほかのジャーナルでは katakei serve が自分でロールアウトを実行します"
    ),
    "{address} is no address with a port: give 127.0.0.1:9480, for example": (
        "{address} はポート付きのアドレスではありません。例: 127.0.0.1:9480"
    ),
    "{name} is not frozen; GET /api/v1/freezes lists what is": "{name} は凍結されていません。一覧は GET /api/v1/freezes です",
    "{role} is no role; the roles are {roles}": "{role} というロールはありません。ロールは {roles} です",
    "there is nothing at this address; /docs lists the API": "このアドレスには何もありません。API の一覧は /docs です",
    "this address does not accept this method; /docs lists the API": (
        "このアドレスはこのメソッドに対応していません。API の一覧は /docs です"
    ),
    "the request cannot be read; check its form": "リクエストを読み取れません。形式を確認してください",
    "the request is not valid: {why}": "リクエストが正しくありません: {why}",
    "an internal error occurred; give the administrator the request id {id}": (
        "内部エラーが発生しました。管理者にリクエスト ID {id} を伝えてください"
    ),
}

_CONFIGURATION = {
    "the command to run is empty; write the command, or leave it out to do the work by hand": (
        "実行するコマンドが空です。コマンドを書くか、手動で作業するなら省略してください"
    ),
    "the release {release} must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -": (
        "リリース {release} は、A-Z a-z 0-9 . _ / @ : + - の 1～128 文字で指定してください"
    ),
    "{group} is not the name or ARN of a target group": "{group} はターゲットグループの名前でも ARN でもありません",
    "{file}: cannot be read ({why}); check the path": "{file}: 読み取れません ({why})。パスを確認してください",
    "{file}: cannot be read ({why}); check {what}": "{file}: 読み取れません ({why})。{what:text}を確認してください",
    "{file}: has more than {number} KiB; {more}": "{file}: {number} KiB を超えています。{more:text}",
    "{folder}: has more than {number} files; check whether it is the right folder": (
        "{folder}: ファイルが {number} 個を超えています。正しいフォルダーか確認してください"
    ),
    "{file}: is a link to a file outside of the services folder; put the file into it": (
        "{file}: サービスのフォルダー外へのリンクです。ファイルをフォルダー内に置いてください"
    ),
    "{file}: is not a regular file; remove it from the services folder": (
        "{file}: 通常のファイルではありません。サービスのフォルダーから削除してください"
    ),
    "{file}: the file is not UTF-8 text; save it as UTF-8": "{file}: UTF-8 のテキストではありません。UTF-8 で保存してください",
    "work: release needs the name of the release: add --release v2": (
        "work: release にはリリースの名前が必要です。--release v2 のように指定してください"
    ),
    "the release {release} cannot name a folder: use letters, digits and . _ @ + -, without .., and a letter or digit"
    " first": (
        "リリース {release} はフォルダー名にできません。英数字と . _ @ + - だけを使い、.. は使わず、先頭は英数字にしてください"
    ),
    "there is no executor {name}; there are: ssm, ssh, local, manual, ec2": (
        "エグゼキューター {name} はありません。使えるのは ssm, ssh, local, manual, ec2 です"
    ),
    "{executor} cannot run a probe on the targets; only ssm and ssh can: use until: delay": (
        "{executor} はターゲットでプローブを実行できません (ssm と ssh だけが対応)。until: delay を指定してください"
    ),
    "{file}: the variable {name} is not set: set it to the client secret": (
        "{file}: 環境変数 {name} がありません。クライアントシークレットを設定してください"
    ),
    "the call could not begin in time": "時間内に API の呼び出しを始められませんでした",
    "the observation behind the call was too old": "呼び出しの根拠となる状態の確認が古すぎました",
    "{group} is held by rollout {rollout} of this process, which drives it already": (
        "{group} は、このプロセスが実行中のロールアウト {rollout} が使用しています"
    ),
}

TEXTS: Mapping[str, str] = MappingProxyType({**_USAGE, **_ROLLOUTS, **_SERVERS, **_CONFIGURATION})

CLICK: Mapping[str, str] = MappingProxyType(
    {
        "No such option: {option}": "オプション {option} はありません",
        "No such option: {option} Did you mean {near}?": "オプション {option} はありません。もしかして: {near}",
        "No such option: {option} (Possible options: {near})": "オプション {option} はありません。もしかして: {near}",
        "No such option '{option}'.": "オプション {option} はありません",
        "No such option '{option}'. Did you mean '{near}'?": "オプション {option} はありません。もしかして: {near}",
        "No such option '{option}'. (Did you mean one of: {near}?)": "オプション {option} はありません。もしかして: {near}",
        "No such command '{command}'.": "コマンド {command} はありません",
        "Missing command.": "コマンドを指定してください",
        "Missing argument '{name}'.": "引数 {name} を指定してください",
        "Missing option '{name}'.": "オプション {name} を指定してください",
        "Option '{option}' requires an argument.": "オプション {option} には値が必要です",
        "Got unexpected extra argument ({words})": "余分な引数があります: {words}",
        "Got unexpected extra arguments ({words})": "余分な引数があります: {words}",
        "Invalid value for {name}: {why}": "{name} の値が正しくありません: {why:text}",
        "{value} is not a valid integer range.": "{value} は整数ではありません",
        "{value} is not a valid float range.": "{value} は数ではありません",
        "{value} is not in the range {range}.": "{value} は範囲 {range} の外です",
        "{value} is not one of {choices}.": "{value} は使えません。{choices} のいずれかを指定してください",
        "{value} is not a duration; write 90s, 30m or 2h": "{value} は時間ではありません。90s、30m、2h のように書いてください",
        "{value} is no moment; write 2h, or 2026-12-24T18:00+09:00": (
            "{value} は時刻ではありません。2h や 2026-12-24T18:00+09:00 のように書いてください"
        ),
    }
)
"""The faults of a command line, as click and the types of options say them."""
