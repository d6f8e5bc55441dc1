"""Japanese help texts of the commands and their options. The keys are the English texts, a paragraph in one line."""

from collections.abc import Mapping
from types import MappingProxyType

_LIST = {
    "AWS on loopback, to rehearse on.": "予行演習用の、ループバック上の AWS。",
    "Drive the rollouts of a team, beside other workers.": "ほかのワーカーとともに、チームのロールアウトを実行します。",
    "End a freeze.": "凍結を解除します。",
    "End the soak now; or skip a gate, for a reason.": "様子見を終えます。または理由を記録してゲートをスキップします。",
    "Every target of a group: state, reason, which rollout holds it out.": (
        "グループの全ターゲット: 状態、理由、切り離しているロールアウト。"
    ),
    "Finish the targets in progress, begin no other.": "進行中のターゲットを終わらせ、次は始めません。",
    "Go on after a pause.": "一時停止から再開します。",
    "How long to wait.": "待つ時間。",
    "One manual step: back into the group, serving.": "手動の 1 ステップ: 登録し、稼働まで待ちます。",
    "One manual step: out of the group, drained.": "手動の 1 ステップ: 登録解除し、ドレイニング完了まで待ちます。",
    "One more attempt on targets that failed.": "失敗したターゲットで、もう一度試します。",
    "One rollout as one HTML page, for a change ticket.": "ロールアウト 1 件の HTML レポート。変更チケット用。",
    "One rollout: phases, what is waited for, history.": "ロールアウト 1 件: フェーズ、待機の理由、履歴。",
    "Print the shell's completion of commands, groups and targets.": ("シェルの補完スクリプトを出力します。"),
    "Roll a group, one side at a time; run again to carry on.": (
        "グループを片系ずつロールアウトします。再実行すると続きから。"
    ),
    "Rollouts, newest first.": "ロールアウトの一覧 (新しい順)。",
    "Run the revert command where a rollout worked.": "作業したターゲットで、リバートのコマンドを実行します。",
    "Say that your work on a target is done.": "ターゲットの手動作業が終わったことを伝えます。",
    "Start a rollout at a server, from CI without AWS rights.": (
        "AWS 権限のない CI から、サーバーでロールアウトを開始します。"
    ),
    "Stop a rollout and bring its targets back.": "ロールアウトを中止し、ターゲットをサービスに戻します。",
    "Take a group's lease from an owner that is gone.": "終了したプロセスから、グループのリースを取り上げます。",
    "Take no target of a group or service out.": "グループやサービスを凍結します (切り離しの禁止)。",
    "Target groups, with how many of their targets serve.": "ターゲットグループの一覧と、稼働中のターゲット数。",
    "The console and the API for a team.": "チームのためのコンソールと API。",
    "The main job on the lab, under load, and its figures.": "負荷をかけた lab での実演と、その結果。",
    "The tables of a journal in PostgreSQL: check, upgrade.": "PostgreSQL のジャーナルのテーブル: 確認、アップグレード。",
    "The tokens of a server.": "サーバーのトークン。",
    "Wait for the end of a rollout, end with its exit code.": "ロールアウトの終了を待ち、その終了コードで終わります。",
    "What a command does, its options and examples.": "コマンドの説明、オプション、例。",
    "What a rollout would do and how long; changes nothing.": "ロールアウトの計画と所要時間。何も変更しません。",
    "What the work printed, target by target.": "作業の出力 (ターゲットごと)。",
}

_COMMANDS = {
    "Rolling updates for the servers behind an AWS load balancer, one side at a time.\n\nTARGET_GROUP_ARN and INSTANCE_ID in the environment are used where an argument is left out.": (
        "AWS のロードバランサー配下のサーバーを、片系ずつ更新します。\n\n"
        "引数を省略すると、環境変数 TARGET_GROUP_ARN と INSTANCE_ID を使います。"
    ),
    "Target groups, with how many of their targets serve: those named GROUP, also with `*`, or all.\n\nThe table stands below the active freezes of these groups. Each group costs a call to AWS, so naming a few of many is faster.": (
        "ターゲットグループの一覧と、稼働中のターゲット数です。GROUP で絞り込めます (`*` も使えます)。省略するとすべてです。\n\n"
        "有効な凍結は表の上に表示します。グループごとに AWS を呼び出すため、数が多い場合は名前を指定すると速くなります。"
    ),
    "Every target of GROUP: state, reason, description, release, and which rollout holds it out.": (
        "GROUP の全ターゲットについて、状態、理由、説明、リリース、切り離しているロールアウトを表示します。"
    ),
    "Show what `roll` with the same options would do to GROUP: the order, how long, and which settings cost the time.\n\nChanges nothing. What to roll comes from a file, or from GROUP and --run. With --server, GROUP is one of its services.": (
        "同じオプションの `roll` が GROUP に対して行うこと (順序、所要時間、時間がかかる設定) を表示します。\n\n"
        "何も変更しません。内容はファイル、または GROUP と --run で指定します。--server を指定すると、GROUP はサーバーのサービス名です。"
    ),
    "Take the targets of GROUP out, work on them, check them and put them back, one side at a time.\n\nWhat to do comes from a file, or from GROUP and --run. With --manual you do the work, and each target waits for you. After a crash or Ctrl-C the same command carries on. With --server, GROUP is one of its services, and the server carries the rollout out.": (
        "GROUP のターゲットを片系ずつ切り離し、作業し、チェックして、元に戻します。\n\n"
        "内容はファイル、または GROUP と --run で指定します。--manual では作業は手動で行い、ターゲットごとに完了の報告を待ちます。"
        "クラッシュや Ctrl-C の後は、同じコマンドで続きから再開します。--server を指定すると、GROUP はサーバーのサービス名で、"
        "サーバーがロールアウトを実行します。"
    ),
    "Take each TARGET out of GROUP and wait until nothing reaches it.\n\nA TARGET is an instance id, an IP or a name. With PORT only its registration at that port is taken out. A target that is out already is no error.": (
        "各 TARGET を GROUP から登録解除し、リクエストが届かなくなるまで待ちます。\n\n"
        "TARGET はインスタンス ID、IP、名前のいずれかです。PORT を付けると、そのポートの登録だけを解除します。"
        "すでに登録解除されていてもエラーにはなりません。"
    ),
    "Put each TARGET back into GROUP and wait until it serves.\n\nWithout PORT it gets every registration that is recorded for it, else the port of the group; the plan says which.": (
        "各 TARGET を GROUP に登録し、稼働するまで待ちます。\n\n"
        "PORT を省略すると、記録されているすべての登録を戻します。記録がなければグループのポートを使います。どれを使うかは計画に表示します。"
    ),
    "Rollouts, newest first, each with its release, its result and who drives it.": (
        "ロールアウトの一覧です (新しい順)。リリース、結果、実行者を表示します。"
    ),
    "One ROLLOUT (see `list`): every target's phase, what is waited for, and the history.": (
        "ROLLOUT (`list` を参照) の詳細です。各ターゲットのフェーズ、待機の理由、履歴を表示します。"
    ),
    "What the work of ROLLOUT printed on TARGET (id, name or IP); without TARGET on all of them.\n\nThe journal keeps the last 16 KiB of each output, once the work has ended. Where more was printed, a line says how much is missing; with work by ssm, --full reads up to 64 KiB from the target itself. Control characters are written out, so that no output can play with the terminal; --json has them as they were.": (
        "ROLLOUT の作業が TARGET (ID、名前、IP) で出力した内容です。TARGET を省略するとすべてです。\n\n"
        "ジャーナルは、作業の終了時に出力の最後の 16 KiB を保存します。それより長い場合は、欠けている量を表示します。"
        "ssm の作業では、--full でターゲットから最大 64 KiB を読み取れます。"
        "制御文字は無害な形で表示します。--json ではそのまま出力します。"
    ),
    "One page about ROLLOUT that needs nothing else: phases, who served, why it waited, output, restore lines.": (
        "ROLLOUT のレポートを 1 つのファイルにまとめます: フェーズ、稼働数、待機の理由、出力、元に戻すコマンド。"
    ),
    "Say that your work on TARGET (id, name or IP) of ROLLOUT is done; without TARGET, on all that wait.\n\nWith --gate: approve or deny an approval gate of ROLLOUT.": (
        "ROLLOUT の TARGET (ID、名前、IP) の手動作業が終わったことを伝えます。TARGET を省略すると、待っているすべてが対象です。\n\n"
        "--gate を付けると、ROLLOUT の承認ゲートを承認または却下します。"
    ),
    "End what is left of the soak of the targets of ROLLOUT that soak now, or of the pause between two waves.\n\nEach of the targets still needs two observations of healthy, and the next target its drain and its check. With --skip-gate: pass a gate that holds ROLLOUT, for a reason that is recorded.": (
        "ROLLOUT で様子見中のターゲットの残りの様子見、またはウェーブ間の待機を省きます。\n\n"
        "正常の確認 2 回と、次のターゲットのドレイニングとチェックは省きません。"
        "--skip-gate を付けると、理由を記録して ROLLOUT を止めているゲートを通過します。"
    ),
    "Stop ROLLOUT and bring every target in progress back into service.\n\nThe process that drives the rollout carries it out; if none is alive, this one does.": (
        "ROLLOUT を中止し、進行中のターゲットをすべてサービスに戻します。\n\n"
        "ロールアウトの実行プロセスが行います。実行プロセスがなければ、このコマンドが行います。"
    ),
    "Finish the targets of ROLLOUT in progress and begin no other, until `katakei resume`.": (
        "ROLLOUT の進行中のターゲットを終わらせ、`katakei resume` まで次を始めません。"
    ),
    "Go on with ROLLOUT after a pause.\n\nThe process that drives the rollout carries it out; if none is alive, this one does.": (
        "一時停止した ROLLOUT を再開します。\n\n"
        "ロールアウトの実行プロセスが行います。実行プロセスがなければ、このコマンドが行います。"
    ),
    "Take no target of GROUP, or of a service, out of service until `katakei unfreeze`.\n\nRollouts that run wait before their next target; targets that are out come back as always. Abort, revert and register work as always. A new `katakei roll` ends with 4, or waits with --lock-wait.": (
        "`katakei unfreeze` まで、GROUP またはサービスのターゲットを切り離しません。\n\n"
        "実行中のロールアウトは次のターゲットの前で待ちます。切り離し済みのターゲットは通常どおり戻ります。中止、リバート、登録は通常どおり使えます。"
        "新しい `katakei roll` は終了コード 4 で終わるか、--lock-wait で待ちます。"
    ),
    "Lift the freeze of GROUP, or of a service. A rollout that somebody paused stays paused.": (
        "GROUP またはサービスの凍結を解除します。一時停止中のロールアウトは、一時停止のままです。"
    ),
    "Wait until ROLLOUT is finished, and end with its exit code; 130 when it is not finished in time.": (
        "ROLLOUT の終了を待ち、その終了コードで終わります。時間内に終わらなければ 130 です。"
    ),
    "Take the lease of GROUP away from its owner: only when you know that the process is gone.\n\nRarely needed: `katakei roll` replaces an owner that was silent for 30 s. The former owner writes nothing more, and sends no call after 10 s; a call that is under way may still have its effect.": (
        "GROUP のリースを実行プロセスから取り上げます。プロセスが終了していると確認できたときだけ使ってください。\n\n"
        "通常は不要です。`katakei roll` は、30 秒応答のない実行プロセスを引き継ぎます。以前のプロセスは以後何も書き込まず、"
        "10 秒後からは API も呼び出しません。呼び出し中のものは、まだ効果を持つことがあります。"
    ),
    "Run the `revert` command of ROLLOUT on every target that it worked on, the last one first.\n\nWith the same drain, floor and checks. Targets in progress are finished or brought back first; targets that still wait are skipped. The process that drives the rollout carries it out; if none is alive, this one does, and ends with 0 when all of them were reverted.": (
        "ROLLOUT が作業したすべてのターゲットで、新しい順に `revert` のコマンドを実行します。\n\n"
        "ドレイニング、下限、チェックは同じです。進行中のターゲットは先に終わらせるか戻します。待機中のターゲットはスキップします。"
        "ロールアウトの実行プロセスが行います。実行プロセスがなければこのコマンドが行い、すべてリバートできれば 0 で終わります。"
    ),
    "One more attempt on TARGET of ROLLOUT, with the release and the configuration that it was planned with.\n\nWithout TARGET: on all that failed. The process that drives the rollout carries it out; if none is alive, this one does.": (
        "ROLLOUT の TARGET で、計画時のリリースと設定のまま、もう一度試します。\n\n"
        "TARGET を省略すると、失敗したすべてが対象です。ロールアウトの実行プロセスが行います。実行プロセスがなければ、このコマンドが行います。"
    ),
    "The tables of a journal in PostgreSQL: check their version, create or upgrade them.": (
        "PostgreSQL のジャーナルのテーブルについて、バージョンの確認、作成、アップグレードを行います。"
    ),
    "Whether the database can be reached and has the schema of this...": "データベースへの接続とスキーマを確認します。",
    "Create the tables, or bring those of an older katakei to the...": "テーブルを作成またはアップグレードします。",
    "Whether the database can be reached and has the schema of this katakei; changes nothing.\n\nEnds with 5 and a sentence if it cannot, or has an older, a newer or no schema.": (
        "データベースに接続でき、この katakei のスキーマであるかを確認します。何も変更しません。\n\n"
        "接続できない場合や、スキーマが古い、新しい、またはない場合は、説明を表示して 5 で終わります。"
    ),
    "Create the tables, or bring those of an older katakei to the newest schema.\n\nIn one transaction: it is done as a whole or not at all. Several at once wait for each other. Stop workers and servers of the older version first; they end with a sentence otherwise. There is no way back: take a backup before.": (
        "テーブルを作成するか、古い katakei のテーブルを最新のスキーマにします。\n\n"
        "1 つのトランザクションで行うため、すべて行われるか、まったく行われないかのどちらかです。同時に実行すると順番に待ちます。"
        "先に古いバージョンのワーカーとサーバーを停止してください。動いていれば説明を表示して終了します。元には戻せないため、先にバックアップしてください。"
    ),
    "Start a rollout of SERVICE at the server. This machine needs no AWS rights.\n\nThe token comes from KATAKEI_TOKEN; else from GitHub Actions (the job needs `permissions: id-token: write`); else from KATAKEI_ID_TOKEN, which GitLab fills by `id_tokens`. With --wait the lines of the rollout are printed, also across a restart of the server, and the exit code is that of the rollout.": (
        "サーバーで SERVICE のロールアウトを開始します。このマシンに AWS 権限は不要です。\n\n"
        "トークンは KATAKEI_TOKEN、GitHub Actions (ジョブに `permissions: id-token: write` が必要)、"
        "GitLab の `id_tokens` が設定する KATAKEI_ID_TOKEN の順に探します。--wait を付けると、サーバーが再起動しても"
        "ロールアウトのログを表示し続け、ロールアウトの終了コードで終わります。"
    ),
    "The tokens of a server: create, list and revoke them.\n\nWith --server, or on the machine of the server with its --journal.": (
        "サーバーのトークンの作成、一覧、失効を行います。\n\n"
        "--server を指定するか、サーバーのマシン上でその --journal を指定します。"
    ),
    "Create a token for NAME.": "NAME のトークンを作成します。",
    "List the tokens, the newest first.": "トークンの一覧 (新しい順)。",
    "Revoke the token ID at once.": "トークン ID をただちに失効させます。",
    "Create a token for NAME. Its secret is printed once, on a line of its own.": (
        "NAME のトークンを作成します。秘密の値は一度だけ、独立した行に表示します。"
    ),
    "List the tokens, the newest first. No secret is among them: only a hash of it is kept.": (
        "トークンの一覧です (新しい順)。秘密の値はハッシュだけを保存しているため、表示しません。"
    ),
    "Revoke the token ID at once. Sessions that began with it end.": (
        "トークン ID をただちに失効させます。そのトークンで始めたセッションも終了します。"
    ),
    "Serve the console and the API: a whole service in one process, with its journal and its worker.\n\nWith a journal in PostgreSQL it only serves: `katakei worker` drives the rollouts then.\n\nThe first start prints a link that signs in once. SIGTERM and Ctrl-C end it after the turns in progress; rollouts go on at the next start.": (
        "コンソールと API を提供します。ジャーナルとワーカーを含むサービス全体が 1 つのプロセスで動きます。\n\n"
        "ジャーナルが PostgreSQL の場合は提供だけを行い、ロールアウトは `katakei worker` が実行します。\n\n"
        "初回の起動時に、一度だけ使えるサインインのリンクを表示します。SIGTERM と Ctrl-C では、進行中の処理の後に終了します。"
        "ロールアウトは次の起動時に続きます。"
    ),
    "Drive the rollouts of a journal in PostgreSQL, together with other workers. Runs until SIGTERM or Ctrl-C.\n\nA rollout whose worker died goes on in another one after at most 45 s. SIGTERM ends the turns in progress, within 10 s, and gives the leases back. Let systemd or a container platform start it again whenever it ends.": (
        "PostgreSQL のジャーナルのロールアウトを、ほかのワーカーとともに実行します。SIGTERM か Ctrl-C まで動きます。\n\n"
        "ワーカーが落ちたロールアウトは、45 秒以内に別のワーカーが引き継ぎます。SIGTERM では 10 秒以内に進行中の処理を終え、"
        "リースを返します。終了したら systemd やコンテナ基盤が再起動するようにしてください。"
    ),
    "Print a script for SHELL (bash, zsh or fish) that completes commands, groups, targets and rollouts.": (
        "SHELL (bash、zsh、fish) 用に、コマンド、グループ、ターゲット、ロールアウトを補完するスクリプトを出力します。"
    ),
    "What COMMAND does, its options and examples; without COMMAND, all commands.": (
        "COMMAND の説明、オプション、例を表示します。COMMAND を省略するとすべてのコマンドです。"
    ),
    "AWS on loopback: an ALB that behaves like one, with real servers behind it.": (
        "ループバック上の AWS です。本物と同じように動く ALB と、その配下の本物のサーバーです。"
    ),
    "Start a local AWS: target group, load balancer, servers.": "ローカルの AWS を起動します。",
    "Start a local AWS: target group, load balancer, servers. Ctrl-C ends it.": (
        "ローカルの AWS (ターゲットグループ、ロードバランサー、サーバー) を起動します。Ctrl-C で終了します。"
    ),
    "The main job on the lab, under load: two servers from v1 to v2, and the figures.": (
        "負荷をかけた lab で、2 台のサーバーを v1 から v2 に更新し、結果を表示します。"
    ),
}

_OPTIONS = {
    "A proxy whose X-Forwarded-For and X-Forwarded-Proto count; repeatable.": (
        "X-Forwarded-For と X-Forwarded-Proto を信頼するプロキシ。複数指定可。"
    ),
    "AWS region; else as the aws command finds it.": "AWS リージョン。省略時は aws コマンドと同じ方法で決めます。",
    "Accept risks that would be refused; the plan names them.": (
        "本来は拒否されるリスクを受け入れます。リスクは計画に表示します。"
    ),
    "Accept that fewer targets serve than the floor.": "稼働数が下限を下回ることを受け入れます。",
    "Accept that other groups go on sending requests to the targets.": (
        "ほかのグループからリクエストが届き続けることを受け入れます。"
    ),
    "Accept that targets stay registered in other groups.": (
        "ターゲットがほかのグループに登録されたままになることを受け入れます。"
    ),
    "Also on targets that are done and did not fail.": "失敗せず完了したターゲットでも実行します。",
    "Approve this gate of the rollout instead.": "ターゲットではなく、ロールアウトのこのゲートを承認します。",
    "Ask the targets named for all that they keep: the last 64 KiB.": (
        "指定したターゲットに問い合わせ、残っている出力 (最後の 64 KiB) をすべて表示します。"
    ),
    "Between two health checks of a target, seconds.": "ヘルスチェックの間隔 (秒)。",
    "Carry an unfinished rollout on although its configuration changed.": (
        "設定が変わっていても、未完了のロールアウトを記録どおりに続けます。"
    ),
    "Change nothing: the same as `katakei plan`.": "何も変更しません。`katakei plan` と同じです。",
    "Command to run on each target by SSM; then no file is needed.": (
        "各ターゲットで SSM により実行するコマンド。設定ファイルは不要になります。"
    ),
    "Configuration; else ./katakei.yml, unless --run or --manual is given.": (
        "設定ファイル。省略時は ./katakei.yml (--run か --manual がある場合を除く)。"
    ),
    "Deregistration delay, seconds.": "登録解除の遅延 (秒)。",
    "Do not ask for confirmation on a terminal.": "端末で確認しません。",
    "Do not ask, also not about commands that somebody else recorded.": (
        "確認しません。ほかの人が記録したコマンドについても確認しません。"
    ),
    "Do the work by hand: each target waits for you.": "作業を手動で行います。ターゲットごとに完了の報告を待ちます。",
    "Follow the rollout, and end with its exit code.": "ロールアウトを追跡し、その終了コードで終わります。",
    "For a program, such as a deploy job: it opens no page.": "デプロイのジョブなどプログラム用。ページは開けません。",
    "Form of the log.": "ログの形式。",
    "Freeze this service instead of a group.": "グループではなく、このサービスを凍結します。",
    "How long it lasts.": "有効日数。",
    "How many rollouts are read back, newest first.": "読み込むロールアウトの数 (新しい順)。",
    "How many servers.": "サーバーの数。",
    "How many turns run at once; a worker has many more rollouts than that.": (
        "同時に実行する処理の数。ワーカーはそれよりずっと多くのロールアウトを受け持てます。"
    ),
    "How much later than the API traffic follows, seconds.": "API の操作がトラフィックに反映されるまでの時間 (秒)。",
    "In CI: accept a journal that ends with the job.": "CI で、ジョブとともに消えるジャーナルを受け入れます。",
    "Its port.": "ポート。",
    "JSON for programs; one object per line for streams.": "プログラム用の JSON。継続する出力は 1 行に 1 オブジェクト。",
    "Leave targets alone on which the journal knows this release.": (
        "ジャーナルによるとこのリリースが導入済みのターゲットには触りません。"
    ),
    "Take at most N targets: failed ones first, then the least recently done.": (
        "最大 N 台だけ処理します。失敗したもの、次に最後の処理が古いものを優先します。"
    ),
    "Leave targets alone that somebody else is draining.": "ほかの誰かがドレイニング中のターゲットには触りません。",
    "Let /metrics be read without a token.": "/metrics をトークンなしで読めるようにします。",
    "Let the work and secrets of this service run as the user of this process; repeatable.": (
        "このサービスの作業と秘密の取得を、このプロセスのユーザーで実行することを許可します。複数指定可。"
    ),
    "Log to standard error; -vv logs more.": "標準エラーにログを出力します。-vv でさらに詳しく。",
    "Log to standard error; -vv logs more. Also: KATAKEI_LOG=debug:json.": (
        "標準エラーにログを出力します。-vv でさらに詳しく。KATAKEI_LOG=debug:json でも指定できます。"
    ),
    "Named profile of the AWS configuration.": "AWS 設定の名前付きプロファイル。",
    "No sign-in, on loopback only: for trying things out.": "サインインなし (ループバックのみ)。試用のため。",
    "One line of JSON when ready.": "準備ができたら JSON を 1 行出力します。",
    "One more name under which it answers; repeatable.": "応答する追加のホスト名。複数指定可。",
    "Only rollouts of this service.": "このサービスのロールアウトだけ。",
    "Only show what is frozen.": "凍結中のものを表示するだけです。",
    "Only this act, for example start; repeatable.": "この操作だけ (例: start)。複数指定可。",
    "Only for this service; repeatable. Else for all.": "このサービスだけ。複数指定可。省略時はすべて。",
    "Only this target (id, name or IP); repeatable.": "このターゲットだけ (ID、名前、IP)。複数指定可。",
    "Port of the target group and of its servers.": "ターゲットグループとサーバーのポート。",
    "Return as soon as the load balancer shows that it accepted the call.": (
        "ロードバランサーが受け付けたことを確認したら、待たずに終わります。"
    ),
    "Show further output until the rollout has ended.": "ロールアウトが終わるまで、出力を表示し続けます。",
    "Show it again every 2 s, or so many; without a terminal, when something has changed.": (
        "2 秒ごと (または指定した秒数ごと) に表示し直します。端末以外では、変化があったときに表示します。"
    ),
    "Skip this gate, which holds the rollout now.": "ロールアウトを止めているこのゲートをスキップします。",
    "Take the targets out of every group that sends requests to them.": (
        "リクエストを送るすべてのグループからターゲットを外します。"
    ),
    "The access file: the OpenID Connect provider by which people sign in, and their roles.": (
        "アクセス設定ファイル: サインインに使う OpenID Connect プロバイダーと、ロールの割り当て。"
    ),
    "The figures as one JSON object.": "結果を 1 つの JSON オブジェクトで出力します。",
    "The folder of katakei.yml files, one for each service; read again when it changes.": (
        "サービスごとの katakei.yml を置くフォルダー。変更されると読み直します。"
    ),
    "Unfreeze this service instead of a group.": "グループではなく、このサービスの凍結を解除します。",
    "Wait this long (30m, 2h) while the group is frozen or another rollout holds it.": (
        "グループが凍結中か、ほかのロールアウトが使用中の間、この時間 (30m、2h など) まで待ちます。"
    ),
    "What a canceled job does with the rollout that it waits for.": (
        "ジョブがキャンセルされたとき、追跡中のロールアウトをどうするか。"
    ),
    "What is rolled out.": "ロールアウトするリリース。",
    "What is rolled out; reaches the work as KATAKEI_RELEASE.": (
        "ロールアウトするリリース。作業には KATAKEI_RELEASE として渡します。"
    ),
    "What it is used for.": "用途。",
    "What it may do.": "できること。",
    "What people open, where a proxy stands in front: https://host.": (
        "プロキシを前に置く場合に、利用者が開く URL: https://host"
    ),
    "When it ends by itself: 2h, or a moment like 2026-12-24T18:00+09:00; else `unfreeze` ends it.": (
        "自動で終わる時: 2h や 2026-12-24T18:00+09:00。省略時は `unfreeze` まで続きます。"
    ),
    "Where it listens.": "待ち受けるアドレス。",
    "Where rollouts are recorded: a file, s3://bucket/prefix or postgresql://user@host/database; else a file in your own state folder.": (
        "ロールアウトの記録先: ファイル、s3://bucket/prefix、postgresql://user@host/database。"
        "省略時は自分の状態フォルダー内のファイル。"
    ),
    "Where to write it; - for standard output. Else katakei-ROLLOUT.html (or .md) here.": (
        "書き出すファイル。- は標準出力。省略時はここに katakei-ROLLOUT.html (または .md)。"
    ),
    "Where /metrics and /healthz answer, without a token: 127.0.0.1:9480; else nowhere.": (
        "/metrics と /healthz をトークンなしで提供するアドレス (例: 127.0.0.1:9480)。省略時は提供しません。"
    ),
    "Why the gate is skipped; recorded.": "ゲートをスキップする理由。記録します。",
    "Why; shown wherever the freeze is.": "理由。凍結とともに表示します。",
    "With --gate: deny it, which ends the rollout as an abort does.": (
        "--gate とともに指定します。ゲートを却下し、中止と同じようにロールアウトを終えます。"
    ),
    "Work on the rollouts of this Katakei server, with the token in KATAKEI_TOKEN.": (
        "この Katakei サーバーのロールアウトを操作します。トークンは KATAKEI_TOKEN で渡します。"
    ),
    "Zones the servers are spread over.": "サーバーを配置するゾーン。",
    "Write the id of the rollout here; empty if none was begun.": (
        "ロールアウトの ID をここに書きます。始まらなかったときは空です。"
    ),
    "Write the report here at the end: Markdown for .md, else HTML.": (
        "終了時にレポートをここに書きます (.md は Markdown、それ以外は HTML)。"
    ),
    "html, or markdown for a ticket; else by the ending of FILE (.md is markdown).": (
        "html、またはチケット用の markdown。省略時は FILE の拡張子で決めます (.md は markdown)。"
    ),
}

TEXTS: Mapping[str, str] = MappingProxyType({**_LIST, **_COMMANDS, **_OPTIONS})
