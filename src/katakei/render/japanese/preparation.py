"""Japanese texts of the commands before a rollout: config, init, doctor, iam, ok-to-stop. The keys are the English texts.

`TEXTS` has help texts and what the commands print, `KNOWN` the finished sentences of their errors.
"""

from collections.abc import Mapping
from types import MappingProxyType

_HELP = {
    "Check configuration files, without AWS.": "設定ファイルを AWS なしで検査します。",
    "Configuration files: check them without AWS.": "設定ファイルを AWS なしで検査します。",
    "Name each fault of each FILE with its place.": "各 FILE の誤りを位置とともに表示します。",
    "Name each fault of each FILE with its place.\n\nA FILE is a katakei.yml, a service file of a server, or a folder of"
    " service files; without one it is ./katakei.yml. AWS is not asked, so names of target groups and targets are not"
    " compared with what exists. Ends with 2 if there is a fault. In a job of GitHub Actions each fault also becomes an"
    " annotation.": (
        "各 FILE の誤りを位置とともに表示します。\n\nFILE は katakei.yml、サーバーのサービスファイル、またはサービス"
        "ファイルのフォルダーです (省略時は ./katakei.yml)。AWS には問い合わせないため、ターゲットグループやターゲットの"
        "名前が実在するかは確認しません。誤りがあると終了コード 2 で終わります。GitHub Actions のジョブでは、それぞれの"
        "誤りが注釈にもなります。"
    ),
    "What could be in the way of a rollout; changes nothing.": "ロールアウトの妨げを調べます。何も変更しません。",
    "Check what could be in the way of `roll` GROUP.\n\nCredentials, rights, clock, target groups, targets, the probe, the"
    " journal and leases: each row is ok, a warning or a fault, with what to do. No registration changes: rights are"
    " proved by calls that cannot change one, and by `true` on the targets of work by ssm. Ends with 1 if there is a"
    " finding, with 5 if AWS cannot be asked.": (
        "GROUP の `roll` の妨げを調べます。\n\n認証情報、権限、時計、ターゲットグループ、ターゲット、プローブ、ジャーナル、"
        "リースを調べ、各行に正常、警告、異常と対処を表示します。登録は変更しません。権限は登録を変更できない呼び出しと、"
        "ssm の作業ではターゲットでの `true` で確かめます。指摘があれば終了コード 1、AWS に問い合わせられなければ 5 です。"
    ),
    "Whether targets may leave now; the exit code answers.": "ターゲットを今外してよいか。終了コードで答えます。",
    "Whether each TARGET may leave service now.\n\nThe exit code answers: 0 if every floor is kept without all of them, 4"
    " if not. A TARGET is an instance id, an IP or a name. The answer holds for this moment; nothing is changed, and"
    " nobody is kept from taking others out.": (
        "TARGET を今サービスから外してよいか答えます。\n\n終了コードで答えます。すべてを外しても下限が保たれるなら 0、"
        "保たれないなら 4 です。TARGET はインスタンス ID、IP、または名前です。この時点だけの答えで、何も変更せず、ほかの"
        "操作も止めません。"
    ),
    "The target group, with a floor of half of it; else the groups and the floor of the configuration.": (
        "ターゲットグループ (下限は半数)。省略時は設定のグループと下限。"
    ),
    "Configuration; else ./katakei.yml.": "設定ファイル。省略時は ./katakei.yml。",
    "Write a first katakei.yml for a target group.": "ターゲットグループ用の最初の katakei.yml を書きます。",
    "Write a katakei.yml that fits GROUP.\n\nIt reads the groups, their targets and whether Run Command reaches them, and"
    " comments every setting. Without a group it takes the only one of the account and region. It asks nothing and changes"
    " nothing in AWS.": (
        "GROUP に合う katakei.yml を書きます。\n\nグループ、ターゲット、Run Command の到達性を読み取り、各設定にコメントを"
        "付けます。グループを省略すると、アカウントとリージョンの唯一のグループを使います。質問はせず、AWS では何も変更し"
        "ません。"
    ),
    "Command to run on each target by SSM.": "各ターゲットで SSM により実行するコマンド。",
    "Where to write it; - for standard output. A file that exists is never overwritten.": (
        "書き出すファイル。- は標準出力。既存のファイルは上書きしません。"
    ),
    "The least IAM policy for a configuration.": "設定に必要な最小の IAM ポリシー。",
    "Print the least IAM policy to roll GROUP.\n\nIt allows exactly the calls that the configuration needs, on the"
    " resources that IAM can name. A journal in S3 (--journal) counts. Account and region come from the ARNs of the target"
    " groups, from --account and --region, or from the credentials.": (
        "GROUP のロールアウトに必要な最小の IAM ポリシーを表示します。\n\n設定に必要な呼び出しだけを、IAM で指定できる"
        "リソースに対して許可します。S3 のジャーナル (--journal) も含めます。アカウントとリージョンは、ターゲットグループの "
        "ARN、--account と --region、または認証情報から決めます。"
    ),
    "Whose policy: of the machine that runs rollouts, of a CI job that does, of a person who only reads, or of the"
    " targets.": "誰のポリシーか: ロールアウトを実行するマシン、CI ジョブ、閲覧だけの人、またはターゲット。",
    "The AWS account, with --region; AWS is then not asked for both.": (
        "AWS アカウント (--region とともに)。指定すると AWS に問い合わせません。"
    ),
    "The command that `roll` would run on each target by SSM.": "`roll` が各ターゲットで SSM により実行するコマンド。",
    "A person does the work on each target.": "各ターゲットの作業は人が行います。",
}

_DRAFT = {
    "Replace this command: it changes nothing on a target, and is good for a rehearsal.": (
        "このコマンドを書き換えてください。このままではターゲットを変更せず、予行演習に使えます。"
    ),
    "Run Command does not reach {targets}, so a person does the work.": (
        "Run Command が {targets} に届かないため、作業は人が行う設定です。"
    ),
    "`katakei plan` refuses this now:": "現在は `katakei plan` が拒否します:",
    "a load balancer sends requests for a while after it shows draining": (
        "draining の表示後もしばらくリクエストが届くための待ち時間"
    ),
    "after more failed targets than this, no other target is touched": (
        "失敗がこの数を超えたら、ほかのターゲットには触れません"
    ),
    "default: the health check of the group": "既定: グループのヘルスチェック",
    "how long a target must serve before the next one is worked on": "次のターゲットの前に稼働し続ける時間",
    "how many registrations must serve; rounded up": "稼働し続ける登録の最小数 (切り上げ)",
    "how many registrations must serve; the health minimum of the group asks for so many": (
        "稼働し続ける登録の最小数。グループのヘルス設定の最小値に合わせました"
    ),
    "how many targets may be out at once; or a share: 25%": "同時に切り離せるターゲット数。割合も可: 25%",
    "name in the history and in the report": "履歴とレポートでの名前",
    "no floor: the group has one target or no listener, so nothing serves while a target is out": (
        "下限なし: ターゲットが 1 台かリスナーがないため、切り離し中は何も稼働しません"
    ),
    "or ids and names, or {tag: {Role: web}}": "または ID と名前のリスト、または {tag: {Role: web}}",
    "the health check speaks gRPC, which is left to the load balancer": (
        "ヘルスチェックが gRPC のため、ロードバランサーに任せます"
    ),
    "the whole deregistration delay; with ssm or ssh a probe can end it earlier": (
        "登録解除の遅延の全時間。ssm か ssh なら、プローブで早く終えられます"
    ),
    "until no connection on the target can hold a request; at most the deregistration delay": (
        "リクエストのある接続がなくなるまで。最長で登録解除の遅延"
    ),
    "you do the work on each target and run `katakei approve`; or one of:": (
        "各ターゲットで作業し `katakei approve` を実行。または次のいずれか:"
    ),
    "{file} written; next: {command}": "{file} を書きました。次は {command}",
    "{group}: {number:target}, {serving} serving, in {zones}; deregistration delay {delay}; health check {path} every"
    " {interval}": (
        "{group}: ターゲット {number} 台 (稼働 {serving})、{zones}、登録解除の遅延 {delay}、ヘルスチェック {path} ({interval}"
        "ごと)"
    ),
}

_DIAGNOSIS = {
    "account {account}, region {region}": "アカウント {account}、リージョン {region}",
    "the clock of this machine agrees with that of AWS": "このマシンの時計は AWS と一致しています",
    "AWS said no time to compare with": "AWS の時刻が得られず、時計を比べられません",
    "the clock of this machine is wrong by {by}; AWS refuses calls from 5 minutes on": (
        "このマシンの時計が {by} ずれています。5 分以上ずれると AWS が呼び出しを拒否します"
    ),
    "a rollout of {targets} targets is possible": "ターゲット {targets} 台のロールアウトを実行できます",
    "no setting of the target groups costs much time": "時間のかかる設定はターゲットグループにありません",
    "{group}: each target waits the whole deregistration delay of {delay}": (
        "{group}: 各ターゲットが登録解除の遅延 {delay} を最後まで待ちます"
    ),
    "{group}: the deregistration delay of {delay} cuts requests that take longer": (
        "{group}: 登録解除の遅延 {delay} より長いリクエストは切断されます"
    ),
    "{group}: a target that returns waits up to {costs} for a health check, made every {interval}": (
        "{group}: 戻ったターゲットはヘルスチェックまで最長 {costs} 待ちます ({interval}ごと)"
    ),
    "{group}: a target that breaks gets requests for up to {detection}": (
        "{group}: 故障したターゲットに最長 {detection} リクエストが届きます"
    ),
    "{targets} targets can be worked on": "ターゲット {targets} 台で作業できます",
    "{target}: {why}": "{target}: {why}",
    "every call that the rollout makes is permitted": "ロールアウトの呼び出しはすべて許可されています",
    "not tried, because the plan is refused": "計画が拒否されたため、試していません",
    "the drain can be probed on every target that answered": "応答したすべてのターゲットでドレイニングを確認できます",
    "the journal can be read; it has {rollouts} rollouts": "ジャーナルを読み取れます (ロールアウト {rollouts} 件)",
    "nobody holds the target groups": "ターゲットグループは誰にも保持されていません",
    "{group}: {owner} drives rollout {rollout}": "{group}: {owner} がロールアウト {rollout} を実行中です",
    "{group}: {owner}, which drove rollout {rollout}, is silent and still holds the lease": (
        "{group}: ロールアウト {rollout} を実行していた {owner} の応答がなく、リースが残っています"
    ),
    "{group}: rollout {rollout} is not finished, and nobody drives it": (
        "{group}: ロールアウト {rollout} が未完了で、誰も実行していません"
    ),
    "set the clock, or start the time service of this machine": "時計を合わせるか、時刻同期を開始してください",
    "use work: ssm or ssh, so that a probe ends the drain earlier, or lower deregistration_delay.timeout_seconds": (
        "work: ssm か ssh にしてプローブで早く終えるか、deregistration_delay.timeout_seconds を短くしてください"
    ),
    "set deregistration_delay.timeout_seconds to more than the longest request": (
        "deregistration_delay.timeout_seconds を最長のリクエストより長くしてください"
    ),
    "lower HealthCheckIntervalSeconds of the group, to 5 for example": (
        "グループの HealthCheckIntervalSeconds を、たとえば 5 に短くしてください"
    ),
    "lower HealthCheckIntervalSeconds or UnhealthyThresholdCount of the group": (
        "グループの HealthCheckIntervalSeconds か UnhealthyThresholdCount を小さくしてください"
    ),
    "repair the target, or leave it out with targets:": "ターゲットを修復するか、targets: で対象から外してください",
    "wait for its end: katakei wait {rollout}": "終了を待ってください: katakei wait {rollout}",
    "run katakei roll again: it takes over after 30s; or katakei abort {rollout}": (
        "katakei roll をもう一度実行すると 30 秒後に引き継ぎます。または katakei abort {rollout}"
    ),
    "run katakei roll again to carry it on; or katakei abort {rollout}": (
        "katakei roll をもう一度実行すると続きから始めます。または katakei abort {rollout}"
    ),
    "ok": "正常",
    "warning": "警告",
    "fault": "異常",
    "credentials": "認証情報",
    "clock": "時計",
    "groups": "グループ",
    "plan": "計画",
    "times": "所要時間",
    "agents": "ターゲット",
    "rights": "権限",
    "probe": "プローブ",
    "journal": "ジャーナル",
    "leases": "リース",
}

_PRINTED = {
    "yes: {targets}": "はい: {targets}",
    "no: {targets}": "いいえ: {targets}",
    "{group}: {serving} would serve, the floor is {floor}": "{group}: 残り {serving} 台が稼働、下限は {floor}",
    "instances with the policy AmazonSSMManagedInstanceCore have the first statement already": (
        "ポリシー AmazonSSMManagedInstanceCore のあるインスタンスには、最初のステートメントは不要です"
    ),
    "a parameter that is encrypted with a key of your own also needs kms:Decrypt on that key": (
        "独自のキーで暗号化したパラメータには、そのキーの kms:Decrypt も必要です"
    ),
    "commands may be sent to every instance of the account and region, because the configuration does not name its"
    " targets by tag, id or name: give targets a tag and write targets: {tag: …} to limit that": (
        "設定でターゲットをタグ、ID、名前で指定していないため、アカウントとリージョンのすべてのインスタンスにコマンドを"
        "送信できます。制限するには、ターゲットにタグを付けて targets: {tag: …} と書いてください"
    ),
    "{file}: no fault (service {service})": "{file}: 問題ありません (サービス {service})",
}

TEXTS: Mapping[str, str] = MappingProxyType({**_HELP, **_DRAFT, **_DIAGNOSIS, **_PRINTED})

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "which targets? give instance ids, IPs or names, or export INSTANCE_ID": (
            "ターゲットの指定がありません。インスタンス ID、IP、名前、または環境変数 INSTANCE_ID で指定してください"
        ),
        "{file} exists already and is not overwritten: give another file with -o, or - to see the draft": (
            "{file} は既にあり、上書きしません。-o で別のファイルを指定するか、- で下書きを表示してください"
        ),
        "--account takes the 12 digits of an AWS account, together with --region": (
            "--account には AWS アカウントの 12 桁を、--region とともに指定してください"
        ),
        "a CI job needs a journal that outlives it: give --journal s3://bucket/prefix": (
            "CI ジョブには、ジョブの後も残るジャーナルが必要です。--journal s3://bucket/prefix を指定してください"
        ),
        "the targets need no right of AWS for this configuration: its work does not use Run Command": (
            "この設定ではターゲットに AWS の権限は不要です。作業に Run Command を使いません"
        ),
        "{folder}: has no service file; a service is a file *.yml or *.yaml": (
            "{folder}: サービスファイルがありません。サービスは *.yml または *.yaml のファイルです"
        ),
    }
)
