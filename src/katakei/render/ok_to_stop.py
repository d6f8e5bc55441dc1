"""The answer whether targets may leave now, as text and JSON."""

from katakei.planning.survey import Departure
from katakei.render.json_data import Plain, output, plain
from katakei.render.reasons import sentence
from katakei.render.text import label
from katakei.render.translation import Translator


def departure_text(found: Departure, tr: Translator) -> str:
    """The answer on the first line, then each reason, or what is left in each group."""
    targets = tr.listed(map(label, found.targets))
    if not found.ok:
        return "\n".join((tr("no: {targets}", targets=targets), *(f"  {sentence(why, tr)}" for why in found.reasons)))
    left = (
        tr("{group}: {serving} would serve, the floor is {floor}", group=name, serving=count, floor=found.floors[name])
        for name, count in found.serving.items()
    )
    return "\n".join((tr("yes: {targets}", targets=targets), *(f"  {line}" for line in left)))


def departure_data(found: Departure) -> dict[str, Plain]:
    """The answer for programs."""
    return output(
        "ok-to-stop",
        ok=found.ok,
        targets=plain([target.id for target in found.targets]),
        reasons=plain(found.reasons),
        serving=plain(found.serving),
        floors=plain(found.floors),
    )
