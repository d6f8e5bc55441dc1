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
}

_PRINTED = {
    "{file}: no fault (service {service})": "{file}: 問題ありません (サービス {service})",
}

TEXTS: Mapping[str, str] = MappingProxyType({**_HELP, **_PRINTED})

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "{folder}: has no service file; a service is a file *.yml or *.yaml": (
            "{folder}: サービスファイルがありません。サービスは *.yml または *.yaml のファイルです"
        ),
    }
)
