"""The examples at the end of each command's `--help`. A test parses every one of them."""

from collections.abc import Mapping, Sequence

EXAMPLES: Mapping[str, Sequence[str]] = {
    "init": ("katakei init LaravelTargetGroup", "katakei init web --run './deploy \"$KATAKEI_RELEASE\"' -o web.yml"),
    "doctor": ("katakei doctor", "katakei doctor web --run ./deploy"),
    "ok-to-stop": ("katakei ok-to-stop web-1", "katakei ok-to-stop --group web i-0123456789abcdef0 && ./reboot"),
    "iam": (
        "katakei iam -f shop.yml",
        "katakei iam -f shop.yml --for targets",
        "katakei iam -f shop.yml --for ci --journal s3://my-bucket/katakei",
    ),
    "config": ("katakei config validate", "katakei config validate shop.yml services/"),
    "groups": ("katakei groups", "katakei groups --region eu-north-1 --profile shop", "katakei groups 'web-*'"),
    "status": ("katakei status LaravelTargetGroup", "katakei status LaravelTargetGroup --watch"),
    "plan": ("katakei plan --release v9", "katakei plan LaravelTargetGroup --run ./deploy"),
    "roll": (
        "katakei roll --release v9",
        "katakei roll -f shop.yml --release v9 --yes",
        "katakei roll LaravelTargetGroup --run './deploy v9'",
    ),
    "switch": (
        "katakei switch web web-green --steps 5%,25%,50%,100% --soak 5m",
        "katakei switch web web-green --at-once --listener 443",
        "katakei switch --back",
        "katakei switch --finish r-7h2k",
    ),
    "deregister": (
        "katakei deregister LaravelTargetGroup web-1",
        "katakei deregister LaravelTargetGroup i-0123456789abcdef0:80",
    ),
    "register": ("katakei register LaravelTargetGroup web-1",),
    "list": ("katakei list", "katakei list --service shop --limit 100"),
    "show": ("katakei show", "katakei show r-7h2k", "katakei show LaravelTargetGroup --watch"),
    "logs": ("katakei logs", "katakei logs -f", "katakei logs r-7h2k web-1"),
    "report": ("katakei report", "katakei report r-7h2k -o change-1234.html"),
    "approve": (
        "katakei approve",
        "katakei approve web-1",
        "katakei approve r-7h2k web-1",
        "katakei approve r-7h2k --gate rest",
        "katakei approve r-7h2k --gate rest --deny",
    ),
    "promote": ("katakei promote", "katakei promote r-7h2k --skip-gate rest --reason 'checked by phone'"),
    "freeze": (
        "katakei freeze LaravelTargetGroup --reason 'the sale'",
        "katakei freeze --service shop --until 2026-12-24T18:00+09:00",
        "katakei freeze --list",
    ),
    "unfreeze": ("katakei unfreeze LaravelTargetGroup", "katakei unfreeze --service shop"),
    "abort": ("katakei abort", "katakei abort r-7h2k"),
    "pause": ("katakei pause", "katakei pause r-7h2k"),
    "resume": ("katakei resume", "katakei resume r-7h2k"),
    "wait": ("katakei wait", "katakei wait r-7h2k --timeout 30"),
    "unlock": ("katakei unlock LaravelTargetGroup",),
    "revert": ("katakei revert", "katakei revert last"),
    "retry": ("katakei retry r-7h2k web-1", "katakei retry last web-1"),
    "db": (
        "katakei db check --journal postgresql://kim@db.internal/katakei",
        "katakei db upgrade --journal postgresql://kim@db.internal/katakei",
    ),
    "trigger": (
        "katakei trigger shop --release v9 --wait",
        "katakei trigger shop --release v9 --wait --on-cancel abort",
    ),
    "token": (
        "katakei token create kim --role approver",
        "katakei token create deploy --program --service shop --act start --act read",
        "katakei token list --server https://katakei.example.com",
    ),
    "serve": ("katakei serve", "katakei serve --dev --port 8481"),
    "worker": (
        "katakei worker --journal postgresql://kim@db.internal/katakei",
        "katakei worker --journal postgresql://kim@db/katakei --concurrency 16",
    ),
    "help": ("katakei help", "katakei help roll"),
    "completion": (
        'eval "$(katakei completion bash)"     # in ~/.bashrc',
        'eval "$(katakei completion zsh)"      # in ~/.zshrc',
        "katakei completion fish | source      # in ~/.config/fish/config.fish",
    ),
    "lab": ("katakei lab up",),
    "demo": ("katakei demo",),
}


def epilog(command: str) -> str:
    """The examples of a command, as click prints text that it must not wrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES.get(command, ()))])
