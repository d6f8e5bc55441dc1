"""Japanese for the faults of configuration and service files: the message after `FILE:LINE:COLUMN: KEY: `.

The templates are those of `errors`, but they are compared with such messages only: many begin with what the file says,
and would fit other sentences too. A key of the file, a value and an example stay as they are.
"""

from collections.abc import Mapping
from types import MappingProxyType

_VALUES = {
    "{value} is not a duration; write {hint}": "{value} は時間の長さではありません。{hint:text} のように書いてください",
    "30s, 1m30s or 2h": "30s、1m30s、2h",
    "a limit must be longer than 0s; write 1m, for example": "制限時間は 0s より長くしてください (例: 1m)",
    "{why}, or delay+60s": "{why:text} (delay+60s も使えます)",
    "{value} is neither a number nor a percentage; write 1 or 50%": (
        "{value} は数でも割合でもありません。1 や 50% のように書いてください"
    ),
    "must allow at least one target to be out; write 1 or more": (
        "少なくとも 1 台は外せるようにしてください。1 以上を書いてください"
    ),
    "{value} is not an HTTP status code; write 200, 200-299 or 200,204": (
        "{value} は HTTP ステータスコードではありません。200、200-299、200,204 のように書いてください"
    ),
    "{value} is a range in the wrong order; write the smaller code first": (
        "{value} は範囲の順序が逆です。小さいコードを先に書いてください"
    ),
    "{value} is not the absolute path of a folder; write /var/www/shop, for example": (
        "{value} はフォルダーの絶対パスではありません (例: /var/www/shop)"
    ),
    "{value} is not a path inside of the release; write storage/ or .env, for example": (
        "{value} はリリース内のパスではありません (例: storage/、.env)"
    ),
    '{value} is not the name of a tag or commit; write "v{{release}}", for example': (
        '{value} はタグやコミットの名前ではありません (例: "v{{release}}")'
    ),
    "{value} is not a checksum; write 64 hexadecimal digits, or beside": (
        "{value} はチェックサムではありません。16 進数 64 桁か beside を書いてください"
    ),
    "{value} is not the place of a release; only {{release}} may stand in braces": (
        "{value} はリリースの場所ではありません。波かっこで書けるのは {{release}} だけです"
    ),
    "{place} is no {kind} source; write {example}": "{place} は {kind} の場所ではありません (例: {example})",
    "http can be changed on its way; write https, or the checksum as sha256: DIGITS": (
        "http は途中で改ざんされるおそれがあります。https にするか、sha256: にチェックサムを書いてください"
    ),
    "{value} names no host; write private_ip, name, id or {{tag: Host}}": (
        "{value} ではホストが決まりません。private_ip、name、id、{{tag: Host}} のいずれかを書いてください"
    ),
    "{name} is not an option that may be set here ({options}); write it into a file of ssh_config and name that with"
    " config:": (
        "{name} はここで設定できません (設定できるもの: {options})。ssh_config のファイルに書き、config: で指定してください"
    ),
    "{name} must have a value of one line": "{name} の値は 1 行で書いてください",
    "{name} must name a file: without one, every host key would be accepted": (
        "{name} にはファイルが必要です。ないと、どのホスト鍵も受け入れてしまいます"
    ),
    "{path} is not the path of a file; write {{file: /run/secrets/chat}}": (
        "{path} はファイルのパスではありません。{{file: /run/secrets/chat}} のように書いてください"
    ),
    "a URL holds a secret, which does not belong into this file; write {{secret: NAME}} or {{file: /path}}": (
        "URL はシークレットを含むため、このファイルには書けません。{{secret: NAME}} か {{file: /path}} と書いてください"
    ),
    "contains a NUL character, which no command can carry; remove it": (
        "コマンドに渡せない NUL 文字があります。取り除いてください"
    ),
    "contains a NUL character, which no environment can carry; remove it": (
        "環境変数に渡せない NUL 文字があります。取り除いてください"
    ),
}

_VARIABLES = {
    "{name}: {why}": "{name}: {why:text}",
    "Run Command would show the value of a secret to others; write {{ssm_parameter: /path}}, which the target fetches"
    " with its own role": (
        "Run Command ではシークレットの値がほかの人に見えます。ターゲットが自身のロールで取得する"
        " {{ssm_parameter: /path}} を使ってください"
    ),
    "works only with work: ssm; write {{secret: NAME}} and set NAME in the environment of katakei": (
        "work: ssm でだけ使えます。{{secret: NAME}} と書き、katakei の環境変数 NAME を設定してください"
    ),
    "works only with work: ssm, where the target fetches it; write {{secret: NAME}} and set NAME in the environment of"
    ' katakei: NAME="$(aws ssm get-parameter --with-decryption --output text --query Parameter.Value --name /path)"': (
        "ターゲットが自分で取得する work: ssm でだけ使えます。{{secret: NAME}} と書き、katakei の環境変数 NAME を設定してください:"
        ' NAME="$(aws ssm get-parameter --with-decryption --output text --query Parameter.Value --name /path)"'
    ),
    "is not a variable name; use capital letters, digits and _": (
        "環境変数の名前ではありません。英大文字、数字、_ だけを使ってください"
    ),
    "begins with {prefix}, which is reserved; use another name": (
        "{prefix} で始まる名前は予約されています。別の名前にしてください"
    ),
    "would also change the programs that start the work; set it in the command itself": (
        "作業を起動するプログラムにも影響します。コマンドの中で設定してください"
    ),
    "{name} is not the name of {what}; write {{{kind}: {example}}}": (
        "{name} は{what:text}の名前ではありません。{{{kind}: {example}}} の形で書いてください"
    ),
    "an SSM parameter": "SSM パラメータ",
    "an environment variable": "環境変数",
    "{value} is not a value of a variable; write text in quotes, or {reference}": (
        "{value} は環境変数の値にできません。引用符で囲んだ文字列か {reference} を書いてください"
    ),
}

_STRUCTURE = {
    "is missing; {hint}": "ありません。{hint:text}",
    "write service: shop": "service: shop のように書いてください",
    "write balancer: {{alb: {{target_groups: [NAME]}}}}": "balancer: {{alb: {{target_groups: [NAME]}}}} の形で書いてください",
    "write alb: {{target_groups: [NAME]}}": "alb: {{target_groups: [NAME]}} の形で書いてください",
    "write target_groups: [NAME]": "target_groups: [NAME] の形で書いてください",
    'write work: {{ssm: {{run: "./deploy"}}}} or work: {{manual: }}': (
        'work: {{ssm: {{run: "./deploy"}}}} か work: {{manual: }} のように書いてください'
    ),
    'write run: "./deploy"': 'run: "./deploy" のように書いてください',
    'write target: {{ssm: {{run: "./warm-up"}}}}': 'target: {{ssm: {{run: "./warm-up"}}}} と書いてください',
    "write action: reboot or action: stop_start": "action: reboot か action: stop_start と書いてください",
    "write source: {{git: URL}}, {{s3: s3://BUCKET/KEY}} or {{url: https://HOST/PATH}}": (
        "source: に {{git: URL}}、{{s3: s3://BUCKET/KEY}}、{{url: https://HOST/PATH}} のいずれかを書いてください"
    ),
    "write path: /health": "path: /health のように書いてください",
    "write path: /var/www/shop": "path: /var/www/shop のように書いてください",
    "write {{tag: {{Role: web}}}}": "{{tag: {{Role: web}}}} のように書いてください",
    "write url: {{secret: CHAT_URL}}": "url: {{secret: CHAT_URL}} のように書いてください",
    "write name: main": "name: main のように書いてください",
    "write system: github or system: gitlab": "system: github か system: gitlab と書いてください",
    "write the claims that a token must have; docs/server.md has an example": (
        "トークンに必要なクレームを書いてください。例は docs/server.md にあります"
    ),
    "write approval: {{name: first, expires: 4h, default: abort}}": (
        "approval: {{name: first, expires: 4h, default: abort}} のように書いてください"
    ),
    "write ranks: {{tag: Tier, first: [batch, web]}}": "ranks: {{tag: Tier, first: [batch, web]}} のように書いてください",
    "is not a known key; did you mean {near}?": "このようなキーはありません。もしかして: {near}",
    "is not a known key; known keys: {keys}": "このようなキーはありません。使えるキー: {keys}",
    "must be keys with values; known keys: {keys}": "キーと値で書いてください。使えるキー: {keys}",
    "{value} is not a known value; write {choices}": "{value} は使えません。{choices:choice} のいずれかを書いてください",
    "{value} is not a known value; write proof, requests, answered, counter or delay, or a list like"
    " [requests, proof]": (
        "{value} は使えません。proof、requests、answered、counter、delay か、[requests, proof] のようなリストを書いてください"
    ),
    "{what}; it is {value}": "{what:text} (現在の値: {value})",
    "must be all, a list of ids or names, or {{tag: {{Role: web}}}}": (
        "all、ID や名前のリスト、{{tag: {{Role: web}}}} のいずれかの形で書いてください"
    ),
    "must be none, or {{http: {{path: /health, expect: 200}}, within: 1m}}": (
        "none か {{http: {{path: /health, expect: 200}}, within: 1m}} の形で書いてください"
    ),
    "must be text; put it in quotes": "文字列で書いてください (引用符で囲みます)",
    "must be a whole number": "整数で書いてください",
    "must be true or false": "true か false で書いてください",
    "must be a list, like [a, b]": "[a, b] のようなリストで書いてください",
    "must be keys with values, like {{Role: web}}": "{{Role: web}} のようにキーと値で書いてください",
    "is empty; name at least one": "空です。1 つ以上書いてください",
    "has too many entries": "項目が多すぎます",
    "is empty; write something or remove it": "空です。値を書くか、削除してください",
    "has no value; write one or remove the line": "値がありません。値を書くか、行を削除してください",
    "must be 1 to 128 characters of A-Z a-z 0-9 . _ / @ : + -": "A-Z a-z 0-9 . _ / @ : + - の 1～128 文字で書いてください",
    "must be the name or ARN of a target group": "ターゲットグループの名前か ARN を書いてください",
    "must be a path like /health": "/health のようなパスを書いてください",
    "must be an instance type like m7g.large": "m7g.large のようなインスタンスタイプを書いてください",
    "must be the name of a user": "ユーザー名を書いてください",
    "must be the path of a file": "ファイルのパスを書いてください",
    "must be a URL like http://127.0.0.1/status": "http://127.0.0.1/status のような URL を書いてください",
    "has an effect only in the services folder of a server; remove it from this file": (
        "サーバーのサービスのフォルダーでだけ有効です。このファイルから削除してください"
    ),
}

_WORK = {
    "has {number} kinds of work; write exactly one of ssm, ssh, release, ec2, local, manual": (
        "作業の種類は 1 つだけ必要です (現在: {number:text})。ssm、ssh、release、ec2、local、manual のいずれか 1 つを書いてください"
    ),
    "no": "なし",
    'write exactly one of run: "./deploy.sh" and argv: [./deploy.sh, web]': (
        'run: "./deploy.sh" と argv: [./deploy.sh, web] のどちらか一方だけを書いてください'
    ),
    "shell and errexit have an effect only with run: no shell reads argv; remove them": (
        "shell と errexit は run でだけ有効です。argv はシェルを使わないため、削除してください"
    ),
    "write exactly one of git: URL, s3: s3://BUCKET/KEY and url: https://HOST/PATH": (
        "git: URL、s3: s3://BUCKET/KEY、url: https://HOST/PATH のいずれか 1 つだけを書いてください"
    ),
    "{key} has no effect with {kind}; remove it": "{key} は {kind} では効果がありません。削除してください",
    "{name} is in {folder}, which is shared; remove one of them": (
        "{name} は、共有される {folder} の中にあります。どちらか一方を削除してください"
    ),
    "ssh has an effect only with by: ssh; write by: ssh or remove it": (
        "ssh は by: ssh でだけ有効です。by: ssh と書くか、削除してください"
    ),
    "a reboot needs by: ssm or ssh, because EC2 does not show that one took place": (
        "再起動したかどうかは EC2 からはわからないため、reboot には by: ssm か by: ssh が必要です"
    ),
    "instance_type has an effect only with action: stop_start; remove it": (
        "instance_type は action: stop_start でだけ有効です。削除してください"
    ),
    "none is not possible with ec2: stop_start; a started machine needs a check before it serves": (
        "ec2: stop_start では none にできません。起動したマシンは、登録の前に確認が必要です"
    ),
    "is not supported yet in this version; put the archive where the target finds it, with s3: or url:": (
        "このバージョンではまだ使えません。ターゲットから取得できる場所にアーカイブを置き、s3: か url: で指定してください"
    ),
    "is not supported yet in this version: --only-outdated compares the recorded releases; remove it": (
        "このバージョンではまだ使えません (--only-outdated は記録されたリリースを比較します)。削除してください"
    ),
    "is not needed: work: release goes back to the release before by itself; remove it": (
        "不要です (work: release は自動で前のリリースに戻します)。削除してください"
    ),
    "must reach the targets as work does, with the same settings: all keep marks on the target": (
        "work と同じ方法と設定でターゲットに接続してください。すべてがターゲットに記録を残します"
    ),
    'write exactly one of ssm: {{run: "./warm-up"}} and ssh: {{run: "./warm-up"}}': (
        'ssm: {{run: "./warm-up"}} か ssh: {{run: "./warm-up"}} のどちらか 1 つだけを書いてください'
    ),
    "must reach the targets as work does, with the same settings: both keep marks on the target": (
        "work と同じ方法と設定でターゲットに接続してください。どちらもターゲットに記録を残します"
    ),
    'revert needs a command: write revert: {{ssm: {{run: "./revert"}}}}': (
        'revert にはコマンドが必要です。revert: {{ssm: {{run: "./revert"}}}} のように書いてください'
    ),
}

_ROLLOUT = {
    "{after} comes after {before}; waves count from the first target on, so each is larger": (
        "{before} の後に {after} があります。waves は最初からの合計なので、順に大きくしてください"
    ),
    "each value has one rank; written several times: {values}": "同じ値は 1 回だけ書いてください。重複している値: {values}",
    "pause_between has an effect only with waves; write waves: [1, 10%, 100%], or remove it": (
        "pause_between は waves でだけ有効です。waves: [1, 10%, 100%] のように書くか、削除してください"
    ),
    "write exactly one of url: http://127.0.0.1/status and command: ./in-flight": (
        "url: http://127.0.0.1/status と command: ./in-flight のどちらか一方だけを書いてください"
    ),
    "takes {size} bytes, more than Run Command carries beside the probe ({most}); put it into a script on the target and"
    " call that": (
        "{size} バイトあり、Run Command で送れる量 ({most}) を超えています。ターゲットのスクリプトに移し、それを呼び出してください"
    ),
    "must be 24h or less, because Run Command ends the command of a probe after 48h": (
        "24h 以下にしてください。Run Command はプローブのコマンドを 48h で終了させます"
    ),
    "cut_after must not be shorter than settle; write a longer time": (
        "cut_after は settle より短くできません。長い時間を書いてください"
    ),
    "each gate needs a name of its own; several are named {names}": (
        "ゲートにはそれぞれ別の名前が必要です。重複している名前: {names}"
    ),
    "roll needs targets: all or {{tag: {{Role: web}}}}; a list of targets cannot include a new one": (
        "roll には targets: all か {{tag: {{Role: web}}}} が必要です。リストには新しいターゲットが入りません"
    ),
    "has no effect with ec2: stop_start, which always waits for the delay; remove it": (
        "ec2: stop_start では効果がありません (常に登録解除の遅延を待ちます)。削除してください"
    ),
    "{value} runs a probe on the targets, which needs work: ssm or ssh, or witness: ssm or ssh; or use until: delay": (
        "{value} はターゲットでプローブを実行するため、work か witness に ssm か ssh が必要です。または until: delay を使ってください"
    ),
    "has an effect only with until: answered or counter; remove it": (
        "until が answered か counter のときだけ有効です。削除してください"
    ),
    "has an effect only with until: counter; remove it": "until: counter でだけ有効です。削除してください",
    "has an effect only with until: proof, answered, counter or requests; remove it": (
        "until が proof、answered、counter、requests のときだけ有効です。削除してください"
    ),
    "has an effect only with witness: ssh, where the work is not ssh; remove it": (
        "witness: ssh で、作業が ssh ではないときだけ有効です。削除してください"
    ),
    "{value} names no hours; write mon-fri 09:00-17:00": "{value} は時間帯ではありません (例: mon-fri 09:00-17:00)",
    "{value} begins after the end of the day; write 00:00 of the next day": "{value} の開始がその日の終わりを過ぎています。翌日の 00:00 からと書いてください",
    "{value} never opens; write 00:00-24:00 for a whole day": "{value} は開始と終了が同じです。終日なら 00:00-24:00 と書いてください",
    "{hour}:{minute} is no time of a day; write 00:00 to 24:00": "{hour}:{minute} は時刻ではありません。00:00 から 24:00 で書いてください",
    "{name} is no time zone of this machine; write Asia/Tokyo or UTC, for example": "タイムゾーン {name} はこのマシンにありません (例: Asia/Tokyo、UTC)",
    "{url} names no host; write http://127.0.0.1/ready, for example": "{url} にホストがありません (例: http://127.0.0.1/ready)",
    "{url} has a port that does not exist": "{url} のポートは存在しません",
    "has {number} kinds; write exactly one of {kinds}": "種類は 1 つだけ必要です (現在: {number:text})。{kinds} のいずれか 1 つを書いてください",
    "write open: [mon-fri 09:00-17:00]": "open: [mon-fri 09:00-17:00] のように書いてください",
    "write zone: Asia/Tokyo": "zone: Asia/Tokyo のように書いてください",
    "counter needs a source; write counter: {{url: http://127.0.0.1/status}}": (
        "counter には取得元が必要です。counter: {{url: http://127.0.0.1/status}} のように書いてください"
    ),
}

_SERVICE = {
    "{service} is also the name in {files}; keep one of them": (
        "名前 {service} は {files} と重複しています。どちらか一方だけ残してください"
    ),
    "would run as the user of this server with its rights, which was not allowed for this service; write ssm: {{run: …}},"
    " or allow it where the server is started": (
        "このサーバーのユーザーの権限で実行されますが、このサービスには許可されていません。"
        "ssm: {{run: …}} と書くか、サーバーの起動時に許可してください"
    ),
    "{text} is not the ARN of a role; write arn:aws:iam::123456789012:role/katakei": (
        "{text} はロールの ARN ではありません (例: arn:aws:iam::123456789012:role/katakei)"
    ),
    "must be 2 to 1,224 characters of A-Z a-z 0-9 _ + = , . @ : / -": (
        "A-Z a-z 0-9 _ + = , . @ : / - の 2～1,224 文字で書いてください"
    ),
    "{text} is not a region; write ap-northeast-1": "{text} はリージョンではありません (例: ap-northeast-1)",
    "must be 1 to 64 characters of A-Z a-z 0-9 . _ -": "A-Z a-z 0-9 . _ - の 1～64 文字で書いてください",
    "must be an address like https://gitlab.example.com, without a / at the end": (
        "https://gitlab.example.com のように、末尾に / を付けずに書いてください"
    ),
    "{text} is neither a name nor role:ROLE, token:NAME or ci:NAME": (
        "{text} は名前でも role:ROLE、token:NAME、ci:NAME でもありません"
    ),
    "{text} names no role; the roles are {roles}": "{text} というロールはありません。ロールは {roles} です",
    "must be a name; an empty list allows everybody with the role": (
        "名前を書いてください。空のリストなら、ロールを持つ全員が対象です"
    ),
    "must be a release in quotes, or {{file: NAME}} of a file in the same folder": (
        "引用符で囲んだリリースか、同じフォルダーのファイルを示す {{file: NAME}} を書いてください"
    ),
    "external_id has an effect only with role_arn; add role_arn or remove it": (
        "external_id は role_arn でだけ有効です。role_arn を追加するか、削除してください"
    ),
    "{claim} is no claim that can be compared; there are {claims}": (
        "{claim} は照合できるクレームではありません。使えるクレーム: {claims}"
    ),
    "has two CI jobs named {name}; give each its own name": (
        "{name} という名前の CI ジョブが 2 つあります。別々の名前にしてください"
    ),
    "{member} names no CI job of this file; add it under ci, or remove it": (
        "{member} という CI ジョブはこのファイルにありません。ci に追加するか、削除してください"
    ),
    "the CI binding {name} has no {claim}": "CI ジョブ {name} に {claim} がありません",
    "the CI binding {name} must require ref_protected, because forks can forge a ref": (
        "CI ジョブ {name} には ref_protected が必要です。フォークは ref を偽装できます"
    ),
    "the CI binding {name} has a wildcard, and there are none: give the exact value": (
        "CI ジョブ {name} でワイルドカードは使えません。正確な値を書いてください"
    ),
    "the CI binding {name} has a lifetime that is not between 0 and 12 hours": (
        "CI ジョブ {name} の lifetime は 0 より長く 12 時間以内にしてください"
    ),
}

_ACCESS = {
    "is missing": "ありません",
    "is not a known key": "このようなキーはありません",
    "must be text in quotes": "引用符で囲んだ文字列で書いてください",
    "must be the address of the provider, like https://accounts.google.com": (
        "https://accounts.google.com のような、プロバイダーのアドレスを書いてください"
    ),
    "must be the name of a variable in the environment of the server, like LOGIN_SECRET": (
        "LOGIN_SECRET のような、サーバーの環境変数の名前を書いてください"
    ),
    "is no role; the roles are {roles}": "ロールではありません。ロールは {roles} です",
    "must be the name of a scope without spaces, like groups": "groups のような、空白のないスコープ名を書いてください",
    "must have exactly one of group and name": "group と name のどちらか一方だけを書いてください",
}

_YAML = {
    "is too deep or too long; check whether an alias contains itself": (
        "深すぎるか、長すぎます。エイリアスが自分自身を含んでいないか確認してください"
    ),
    "this is not YAML: it contains the character U+{number}; remove it": (
        "YAML ではありません: 文字 U+{number} があります。取り除いてください"
    ),
    "this is not YAML: {why}": "YAML ではありません: {why}",
    "this is not YAML: {why} (check indentation, colons and quotes)": (
        "YAML ではありません: {why:text} (インデント、コロン、引用符を確認してください)"
    ),
    "the file must be keys with values, for example service: shop": (
        "ファイルはキーと値で書いてください (例: service: shop)"
    ),
    "appears twice (also in line {line}); keep one of them": "{line} 行目と重複しています。どちらか一方だけ残してください",
    "contains half of a character (\\ud800 to \\udfff); write the whole character": (
        "文字の半分 (\\ud800～\\udfff) があります。文字全体を書いてください"
    ),
    "the tag {tag} is not supported; write a plain value": "タグ {tag} は使えません。通常の値を書いてください",
}

FAULTS: Mapping[str, str] = MappingProxyType(
    {**_VALUES, **_VARIABLES, **_STRUCTURE, **_WORK, **_ROLLOUT, **_SERVICE, **_ACCESS, **_YAML}
)
"""The messages that Katakei writes."""

LIBRARIES: Mapping[str, str] = MappingProxyType(
    {
        "should be greater than or equal to {least}; it is {value}": "{least} 以上にしてください (現在の値: {value})",
        "should be less than or equal to {most}; it is {value}": "{most} 以下にしてください (現在の値: {value})",
        "list should have at least {least:item} after validation, not {number}": "{least} 件以上必要です",
        "string should have at least {least:character}": "空です。値を書いてください",
        "string should match pattern {pattern}": "空です。値を書いてください",
        "input should be a valid dictionary or instance of {model}": "キーと値で書いてください",
        "input should be a valid list": "リストで書いてください",
        "mapping values are not allowed here": "ここにキーと値は書けません",
        "could not find expected ':'": "':' がありません",
        "expected <block end>, but found {found}": "予期しない {found} があります",
        "found unexpected end of stream": "途中でファイルが終わっています",
        "found undefined alias {alias}": "エイリアス {alias} は定義されていません",
        "found character {character} that cannot start any token": "{character} で値を始めることはできません",
    }
)
"""The messages of pydantic and of the YAML reader inside them."""

FILES: Mapping[str, str] = MappingProxyType(
    {
        "the path": "パス",
        "the file and its rights": "ファイルと権限",
        "check whether it is a configuration": "設定ファイルか確認してください",
        "check whether it is a configuration at all": "設定ファイルか確認してください",
        "check whether it is an access file at all": "アクセスファイルか確認してください",
        "the file has a fault in server.frozen": "ファイルの server.frozen にエラーがあります",
    }
)
"""Parts of errors of a whole file (`errors`), and the reason of a freeze that cannot be read."""
