"""Japanese sentences for the reasons of access. The placeholders are those of `render.access_reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from katakei.domain.access_reasons import AccessCode

_A = AccessCode

SENTENCES: Mapping[AccessCode, str] = MappingProxyType(
    {
        _A.ROLE_TOO_LOW: (
            "{who} には{service:for service}{act:act}権限がありません。"
            "ロール {needed} が必要です。管理者に依頼してください"
        ),
        _A.SERVICE_NOT_IN_TOKEN: (
            "{who} のトークンは{service:the service}には使えません。そのサービス用のトークンを使ってください"
        ),
        _A.ACT_NOT_IN_TOKEN: "{who} のトークンに `{act}` は含まれていません。含むトークンを使ってください",
        _A.NOT_FOR_CI: "CI のジョブは{service:for service}{act:act}ことができません。人が行う必要があります",
        _A.NOT_IN_POLICY: (
            "{service:the service}のポリシーは、{who} が{act:act}ことを許可していません。許可されている人に依頼してください"
        ),
        _A.FOUR_EYES: (
            "{who} は{service:the service}のこのロールアウトの開始者のため、{act:act}ことができません。別の人に依頼してください"
        ),
        _A.FOUR_EYES_PERSON: (
            "{service:the service}のポリシーは 2 人目の人を求めていますが、{who} はプログラムです。人に依頼してください"
        ),
        _A.BEYOND_OWN_RIGHTS: (
            "{who} は、自分の権限を超えるトークンを発行できません。全サービスの管理者に依頼してください"
        ),
        _A.NOT_SIGNED_IN: "サインインが必要です。トークンを指定するか、もう一度サインインしてください",
        _A.TOKEN_NOT_VALID: (
            "トークンが正しくありません。途中で切れていないか確認するか、管理者に新しいトークンを依頼してください"
        ),
        _A.TOKEN_EXPIRED: "トークンの期限が {expired} に切れました。管理者に新しいトークンを依頼してください",
        _A.TOKEN_REVOKED: "トークンは {revoked} に失効しました。管理者に新しいトークンを依頼してください",
        _A.LINK_NOT_VALID: (
            "サインインのリンクは使用済みか、期限切れです。サーバーを再起動して新しいリンクを取得してください"
        ),
        _A.SESSION_ENDED: "セッションが終了しました。もう一度サインインしてください",
        _A.CSRF_NOT_VALID: (
            "このセッションのフォームではありません。何も変更していません。ページを再読み込みしてください"
        ),
        _A.TOO_MANY_ATTEMPTS: "サインインの失敗が多すぎます。{wait:span}後にもう一度試してください",
        _A.LOGIN_NOT_CONFIGURED: (
            "OpenID Connect によるサインインは設定されていません。トークンでサインインしてください"
        ),
        _A.LOGIN_STATE_NOT_VALID: "このサインインは完了済みか、時間切れです。最初からやり直してください",
        _A.LOGIN_REFUSED: "サインインが拒否されました: {text}",
        _A.LOGIN_WITHOUT_ROLE: (
            "{who} にはこのサーバーのロールがありません。グループか名前にロールを割り当てるよう、管理者に依頼してください"
        ),
        _A.CI_TOKEN_NOT_VALID: "CI のジョブのトークンが受け付けられません: {text}",
        _A.CI_TOKEN_USED: "CI のジョブのトークンは使用済みです。ジョブの中で新しいトークンを取得してください",
        _A.CI_NOT_BOUND: (
            "この CI のジョブは{service:the service}を使えません。ポリシーに、ジョブの ID を含む `ci` の項目を加えてください"
        ),
        _A.CI_CLAIM_DIFFERS: (
            "CI のジョブが{service:the service}の `ci` の項目 {binding} と一致しません。{claim} が違うか、ありません。"
            "ジョブかポリシーを修正してください"
        ),
    }
)
