"""Japanese words for the values of enums: phases, results, intents and kinds of plans."""

from collections.abc import Mapping
from types import MappingProxyType

_PHASES = {
    "waiting": "待機中",
    "draining": "ドレイニング中",
    "out": "切り離し済み",
    "working": "作業中",
    "checking": "チェック中",
    "warming": "復帰待ち",
    "soaking": "様子見中",
    "returning": "復帰中",
    "done": "完了",
    "returned": "元に戻した",
    "left_out": "切り離したまま",
    "failed_serving": "失敗 (稼働中)",
    "skipped": "スキップ",
    "gone": "消滅",
}
_RESULTS = {"done": "完了", "failed": "失敗", "aborted": "中止", "reverted": "リバート済み"}
_INTENTS = {"update": "更新", "revert": "リバート", "return": "復帰", "keep_out": "切り離し"}
_KINDS = {"roll": "ロールアウト", "deregister": "登録解除", "register": "登録", "switch": "切り替え"}

NAMES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (kind, value): word
        for kind, words in (
            ("Phase", _PHASES),
            ("Result", _RESULTS),
            ("Intent", _INTENTS),
            ("PlanKind", _KINDS),
        )
        for value, word in words.items()
    }
)
