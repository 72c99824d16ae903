"""Tokens that are known by their look: what each vendor writes in front of its secrets, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

Span = tuple[int, int]

LETTERS: Final = "[A-Za-z0-9]"
WORD: Final = "[A-Za-z0-9_]"
DASHED: Final = "[A-Za-z0-9_-]"
HEX: Final = "[0-9a-f]"
BASE64: Final = "[A-Za-z0-9+/=_-]"
UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Vendor(NamedTuple):
    """One class: the stems that begin its secrets, and the pattern of the rest; of a group, that alone is masked."""

    name: str
    stems: str
    rest: str


VENDORS: Final = (
    Vendor("OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse", "sk-", rf"{DASHED}{{8,}}+"),
    Vendor("Stripe", "sk_live_ sk_test_ rk_live_ rk_test_", rf"{LETTERS}{{10,}}+"),
    Vendor("Stripe webhook", "whsec_", rf"{BASE64}{{16,}}+"),
    Vendor("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", rf"(?:{LETTERS}{{10,}}+|[0-9]++_[A-Za-z0-9_.-]{{20,}}+)"),
    Vendor("GitHub fine-grained", "github_pat_", rf"{WORD}{{20,}}+"),
    Vendor("GitLab", "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-", rf"{DASHED}{{16,}}+"),
    Vendor("Slack", "xoxb- xoxa- xoxp- xoxr- xoxs- xoxc- xoxd- xoxe- xapp- xwfp-", r"[A-Za-z0-9%-]{10,}+"),
    Vendor("Slack rotated", "xoxe.", r"xox[bp]-[A-Za-z0-9-]{10,}+"),
    Vendor("Slack webhook", "hooks.slack.", r"com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,}+)"),
    Vendor("Discord webhook", "discord. discordapp.", r"com/api/(?:v[0-9]++/)?webhooks/[0-9]++/([A-Za-z0-9_-]{16,}+)"),
    Vendor("Teams webhook", "webhook.office.", r"com/webhookb2/([A-Za-z0-9@/-]{16,}+)"),
    Vendor("Google API", "AIz", rf"a{DASHED}{{20,}}+"),
    Vendor("Google API, newest", "AQ.", rf"Ab{DASHED}{{20,}}+"),
    Vendor("Google OAuth", "ya29. GOCSPX-", r"[A-Za-z0-9_.-]{10,}+"),
    Vendor("AWS access key", "AKIA ASIA ABIA ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Vendor("AWS Bedrock", "bedrock-api-key- ABSK", rf"{BASE64}{{20,}}+"),
    Vendor("Groq, Pinecone, Fireworks, Jina, Apify", "gsk_ pcsk_ fw_ jina_ apify_api_", rf"{WORD}{{16,}}+"),
    Vendor("Perplexity", "pplx-", rf"{LETTERS}{{10,}}+"),
    Vendor("xAI, Cerebras, Tavily, Nvidia", "xai- csk- tvly- nvapi-", rf"{DASHED}{{16,}}+"),
    Vendor("Hugging Face", "hf_ api_org_", rf"{LETTERS}{{16,}}+"),
    Vendor("Replicate", "r8_", rf"{LETTERS}{{20,}}+"),
    Vendor("Together", "tgp_v1_", rf"{DASHED}{{20,}}+"),
    Vendor("Voyage, Modal", "pa- ak- as-", rf"{LETTERS}{{20,}}+"),
    Vendor("LangSmith", "lsv2_pt_ lsv2_sk_", rf"{WORD}{{20,}}+"),
    Vendor("Weights & Biases", "wandb_v1_", rf"{DASHED}{{20,}}+"),
    Vendor("ElevenLabs", "sk_", rf"{HEX}{{32,}}+"),
    Vendor("E2B", "e2b_", rf"{HEX}{{30,}}+"),
    Vendor("Firecrawl, Mailgun", "fc- key-", rf"{HEX}{{32}}(?![A-Za-z0-9])"),
    Vendor("npm", "npm_", rf"{LETTERS}{{10,}}+"),
    Vendor("PyPI", "pypi-", rf"AgE{DASHED}{{16,}}+"),
    Vendor("RubyGems, Clojars", "rubygems_ CLOJARS_", rf"{HEX}{{32,}}+"),
    Vendor("Docker", "dckr_pat_ dckr_oat_", rf"{DASHED}{{16,}}+"),
    Vendor("JSON Web Token", "eyJ", rf"(?<!{DASHED}eyJ){DASHED}{{6,}}+\.(?:eyJ{DASHED}{{4,}}+(?:\.{DASHED}*+)?+"
           rf"|{DASHED}{{4,}}+(?:\.{DASHED}{{4,}}+){{1,3}}+)"),
    Vendor("Mapbox", "sk.", rf"eyJ{DASHED}{{16,}}+(?:\.{DASHED}++)?+"),
    Vendor("1Password", "ops_", rf"eyJ{BASE64}{{20,}}+"),
    Vendor("Atlassian", "ATATT ATCTT ATBB", rf"{BASE64}{{16,}}+"),
    Vendor("Grafana", "glsa_ glc_", r"[A-Za-z0-9+/=_]{16,}+"),
    Vendor("HashiCorp Vault, Terraform", "hvs. hvb. hvr. atlasv1.", rf"{DASHED}{{20,}}+"),
    Vendor("Databricks", "dap", rf"i{HEX}{{32}}(?:-[0-9])?+(?![A-Za-z0-9])"),
    Vendor("Facebook, Square", "EAA", rf"{DASHED}{{40,}}+"),
    Vendor("Square", "sq0atp- sq0csp- sq0idp-", rf"{DASHED}{{16,}}+"),
    Vendor("Shopify", "shpat_ shpca_ shppa_ shpss_", rf"{LETTERS}{{16,}}+"),
    Vendor("Razorpay", "rzp_live_ rzp_test_", rf"{LETTERS}{{10,}}+"),
    Vendor("Flutterwave", "FLWSECK- FLWSECK_TEST-", rf"{LETTERS}{{12,}}+"),
    Vendor("Plaid", "access-", rf"(?:sandbox|development|production)-{UUID}"),
    Vendor("SendGrid", "SG.", rf"(?<!{DASHED}SG\.){DASHED}{{16,}}+\.{DASHED}{{16,}}+"),
    Vendor("Brevo", "xkeysib- xsmtpsib-", r"[0-9a-f]{32,}+(?:-[A-Za-z0-9]++)?+"),
    Vendor("Resend", "re_", r"[A-Za-z0-9]{8,}+_[A-Za-z0-9]{16,}+"),
    Vendor("Twilio", "SK", rf"{HEX}{{32}}(?![A-Za-z0-9])"),
    Vendor("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", rf"{HEX}{{32,}}+"),
    Vendor("Heroku", "HRKU-", rf"{DASHED}{{20,}}+"),
    Vendor("Netlify, Vercel, Render, Neon", "nfp_ vcp_ vck_ rnd_ napi_", rf"{LETTERS}{{20,}}+"),
    Vendor("Fly", "fo1_ fm1r_ fm2_", r"[A-Za-z0-9+/=_,-]{20,}+"),
    Vendor("Supabase", "sbp_ sb_secret_", rf"{DASHED}{{16,}}+"),
    Vendor("PlanetScale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[A-Za-z0-9_.-]{20,}+"),
    Vendor("Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim.", r"(?:[a-z0-9_-]{2,35}+\.)?+[A-Za-z0-9]{20,}+"),
    Vendor("Linear", "lin_api_ lin_oauth_", rf"{LETTERS}{{20,}}+"),
    Vendor("Notion", "ntn_ secret_", rf"{LETTERS}{{36,}}+"),
    Vendor("Figma, Typeform", "figd_ tfp_", rf"{DASHED}{{20,}}+"),
    Vendor("Sentry", "sntrys_ sntryu_", rf"{BASE64}{{20,}}+"),
    Vendor("PostHog", "phx_ phs_", rf"{LETTERS}{{20,}}+"),
    Vendor("New Relic, Postman, Contentful", "NRAK- PMAK- CFPAT-", rf"{DASHED}{{20,}}+"),
    Vendor("SonarQube", "sqp_ squ_ sqa_", rf"{HEX}{{32,}}+"),
    Vendor("HubSpot", "pat-", rf"(?:na|eu|ap)[0-9]-{UUID}"),
    Vendor("Dynatrace", "dt0c01. dt0s01.", r"[A-Z0-9]{20,}+\.[A-Z0-9]{40,}+"),
    Vendor("Alibaba, Tencent", "LTAI AKID", rf"{LETTERS}{{12,}}+"),
    Vendor("Pulumi", "pul-", rf"{HEX}{{40}}(?![A-Za-z0-9])"),
    Vendor("Prefect", "pnu_ pnb_", rf"{LETTERS}{{30,}}+"),
    Vendor("Tailscale", "tskey-", rf"{DASHED}{{16,}}+"),
    Vendor("Duffel, Shippo", "duffel_live_ duffel_test_ shippo_live_ shippo_test_", rf"{DASHED}{{16,}}+"),
    Vendor("age", "AGE-SECRET-KEY-", r"1[A-Z0-9]{40,}+"),
    Vendor("ReadMe, Frame.io", "rdme_ fio-u-", rf"{DASHED}{{32,}}+"),
)  # fmt: skip

# All patterns are compiled when they are first needed: that takes longer than all the rest of the import.
_RESTS: Final = {stem: vendor.rest for vendor in VENDORS for stem in vendor.stems.split()}
_TAIL: Final = 4
_WIDTHS: Final = tuple(sorted({len(stem) for stem in _RESTS}, reverse=True))


@cache
def _probes() -> list[re.Pattern[str]]:
    """Where a stem may end: one search for each last letter, as fast as `find`, and a look at what is before."""
    tails: dict[str, dict[int, set[str]]] = {}
    for stem in _RESTS:
        tail = stem[-_TAIL:]
        tails.setdefault(tail[-1], {}).setdefault(len(tail), set()).add(re.escape(tail))
    return [re.compile(f"{re.escape(last)}(?:{_behind(by_width)})") for last, by_width in tails.items()]


def _behind(by_width: dict[int, set[str]]) -> str:
    return "|".join(f"(?<={'|'.join(sorted(tails))})" for tails in by_width.values())


def vendor_tokens(text: str) -> Iterator[Span]:
    """Where a token of a vendor stands."""
    for probe in _probes():
        done = 0
        for hit in probe.finditer(text):
            found = _token(text, hit.end()) if hit.end() > done else None
            if found is not None:
                done = found[1]
                yield found


def _token(text: str, at: int) -> Span | None:
    for width in _WIDTHS:
        start = at - width
        rest = _RESTS.get(text[start:at]) if start >= 0 else None
        found = _compiled(rest).match(text, at) if rest and not (start and _continues(text[start - 1])) else None
        if found is not None:
            return found.span(1) if found.lastindex else (start, found.end())
    return None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _continues(before: str) -> bool:
    return before.isascii() and before.isalnum()
