"""Taking secrets out of a text, by rules of our own; nothing here decides what becomes of the text.

detect-secrets 1.5 was tried and is not used: it scans files line by line, reads 0.07 MB/s of a transcript
where these rules read tens, and reports ordinary words ("my", "key") and git hashes as secrets in prose.

Every pattern begins at a fixed word or at the beginning of a run of characters, and every repetition is
bounded or possessive, so that time grows with the text and no faster.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

PASSES_MAX = 4
"""Taking one secret out can lay the next one bare; in practice the second pass finds nothing."""

_INVISIBLE = re.compile("(?<=[!-~])[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+(?=[!-~])")
"""What hides inside a word; what joins emoji or the letters of other scripts is not meant."""
_MARK = "[redacted: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A text without its secrets."""

    text: str
    count: int
    """How many were taken out."""
    kinds: tuple[str, ...]
    """What they were, sorted, without repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    kind: str
    hints: tuple[str, ...]
    """One of these stands in every match: looking for them is far faster than the pattern."""
    pattern: re.Pattern[str]
    """What is named `secret` in it is replaced, else all of it."""
    is_secret: Callable[[re.Match[str]], bool] = lambda _: True


def redact(text: str) -> Redacted:
    """The text with each secret replaced by `[redacted: kind]`. Doing it again changes nothing.

    Invisible characters inside words are left out where that shows more secrets, and stay otherwise.
    """
    as_written = _redact(text)
    if text.isascii() or not _INVISIBLE.search(text):
        return as_written
    as_seen = _redact(_INVISIBLE.sub("", text))
    return as_seen if as_seen.count and as_seen.count >= as_written.count else as_written


def _redact(text: str) -> Redacted:
    count = 0
    kinds: set[str] = set()
    for _ in range(PASSES_MAX):
        found_before = count
        for rule in _RULES:
            if any(hint in text for hint in rule.hints):
                text, found = _apply(rule, text)
                if found:
                    count += found
                    kinds.add(rule.kind)
        if count == found_before:
            break
    return Redacted(text=text, count=count, kinds=tuple(sorted(kinds)))


def _apply(rule: _Rule, text: str) -> tuple[str, int]:
    found = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        if not rule.is_secret(match):
            return match[0]
        found += 1
        start, end = match.span("secret") if "secret" in rule.pattern.groupindex else match.span()
        return f"{text[match.start() : start]}{_MARK}{rule.kind}]{text[end : match.end()]}"

    return rule.pattern.sub(replace, text), found


def _known(kind: str, prefixes: tuple[str, ...], rest: str) -> _Rule:
    """A secret whose first characters, at the beginning of a word, say what it is."""
    starts = "|".join(f"{re.escape(prefix)}(?<![A-Za-z0-9_-]{re.escape(prefix)})" for prefix in prefixes)
    return _Rule(kind=kind, hints=prefixes, pattern=re.compile(f"(?:{starts}){rest}"))


def _spellings(*words: str) -> str:
    """Each word in small letters, capitalised and in capitals: three times as fast as ignoring case."""
    return "|".join(spelling for word in words for spelling in (word, word.capitalize(), word.upper()))


_PASSWORD_WORDS = ("password", "passwd", "passphrase", "passcode", "pwd")
_SHORT = rf"(?<![A-Za-z0-9])(?:{_spellings('pass', 'pw')})"
"""Words too short to be looked for inside others: a bypass is no password."""
_PASSWORD = rf"{_spellings(*_PASSWORD_WORDS)}|{_SHORT}"
_CREDENTIAL = _spellings("secret", "token", "key", "credentials", "credential")
_KEY_OWNER = re.compile(r"(?i)(?:secret|api|access|auth|private|signing|encryption|master|account|app)[_ -]?$")
_OPTION = re.compile(r"--(?:[a-z]{1,8}-){0,2}$")
_NAME_END = r"(?:[_-]?(?:value|string|prod|dev|test|live|staging|base64|\d{1,3}))?"

_PLACEHOLDER = re.compile(
    r"(?i)[<$%{(*]|\[|x{3,}|\.{3}|your|my[_-]|example|placeholder|changeme|change_me|insert|replace|dummy|redacted"
)
_NOT_A_VALUE = frozenset(
    {
        "none",
        "null",
        "nil",
        "true",
        "false",
        "str",
        "string",
        "bytes",
        "int",
        "text",
        "required",
        "optional",
        "undefined",
        "empty",
        "missing",
        "invalid",
        "expired",
        "unset",
        "default",
        "value",
        "input",
        "args",
        "self",
        "this",
        "env",
        "hidden",
        "masked",
        "password",
        "passwd",
        "token",
        "secret",
    }
)
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z0-9_]*)+(?:$|[\[(])|[A-Za-z_][\w.]*\(")
_NAMES_A_SECRET = re.compile(r"(?i)(?:password|passwd|passphrase|pwd|secret|token|key|credential)s?$")


def _is_password(match: re.Match[str]) -> bool:
    value = match["secret"]
    if not _may_be_secret(value):
        return False
    if match["quote"] or match["assign"] == "=":
        # `connect(password=pg_password)` names a variable; `DB_PASSWORD=letmein` sets one.
        return bool(match["quote"]) or not _NAMES_A_SECRET.search(value)
    return _is_mixed(value, length_min=6)


def _is_credential(match: re.Match[str]) -> bool:
    value = match["secret"]
    if match["name"].lower() == "key":
        # A key alone is a cache's, a map's or a sort order's; only with its owner's name is it a secret.
        owner = match.string[max(0, match.start("name") - 12) : match.start("name")]
        if not _KEY_OWNER.search(owner):
            return False
    return _may_be_secret(value) and _is_mixed(value, length_min=8)


def _is_told_password(match: re.Match[str]) -> bool:
    return _is_told(match) and _may_be_secret(match["secret"]) and _is_mixed(match["secret"], length_min=6)


def _is_told_credential(match: re.Match[str]) -> bool:
    return _is_told(match) and len(match["secret"]) >= 16 and _is_credential(match)


def _is_told(match: re.Match[str]) -> bool:
    """Whether a value after a mere space belongs to the name: "the password is ...", `--password ...`."""
    before = match.string[max(0, match.start() - 16) : match.start()]
    return bool(match["is"] or _OPTION.search(before))


def _is_told_of(match: re.Match[str]) -> bool:
    return _may_be_secret(match["secret"]) and _is_mixed(match["secret"], length_min=6)


def _may_be_secret(value: str) -> bool:
    return (
        not _PLACEHOLDER.match(value)
        and value.lower().strip(".,;:!") not in _NOT_A_VALUE
        and not _REFERENCE.match(value)
        and "/" not in value[:2]
    )


def _is_mixed(value: str, *, length_min: int) -> bool:
    """Whether it is made of letters and figures (or of many signs), as secrets are and words are not."""
    value = value.rstrip(".,;:!?")
    letters = sum(character.isalpha() for character in value)
    figures = sum(character.isdigit() for character in value)
    signs = sum(character in "!@#$%^&*+=~" for character in value)
    return len(value) >= length_min and letters >= 2 and figures + signs >= 1


def _has_figure(match: re.Match[str]) -> bool:
    return any(character.isdigit() for character in match["secret"]) and not _PLACEHOLDER.match(match["secret"])


def _is_no_placeholder(match: re.Match[str]) -> bool:
    return not _PLACEHOLDER.match(match["secret"])


def _is_long_key(match: re.Match[str]) -> bool:
    """Whether 40 characters are mixed as a key is, and neither words nor a path nor a hash."""
    value = match["secret"]
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(kind(character) for character in value) for kind in kinds)


_ASSIGNED = (
    r"\\{{0,2}}[\"'`]?\s{{0,3}}(?P<assign>={{1,2}}>?|:=?)\s{{0,3}}"
    r"\\{{0,2}}(?P<quote>[\"'`]?)(?P<secret>[^\s\"'`\\,;)&<>{{}}\[\]]{{{least},512}}+)"
)

_TOLD = r" (?P<is>(?:is|was):? )?[\"'`]?(?P<secret>[^\s\"'`\\,;)&<>{}\[\]]{6,512}+)"

_RULES = (
    _Rule(
        kind="private key",
        hints=("PRIVATE KEY",),
        pattern=re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?:[A-Za-z0-9+/=\s\\:,.()]|-(?!-))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            # Cut short: what looks like its lines goes, the prose after it stays.
            r"|(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{32,}+)++)"
        ),
    ),
    _known("Anthropic key", ("sk-ant-",), r"[A-Za-z0-9_-]{16,}+"),
    _known("OpenAI key", ("sk-",), r"(?:(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,}+|[A-Za-z0-9]{20,}+)"),
    _Rule(
        kind="Telegram token",
        hints=(":A", ":a"),
        pattern=re.compile(r"(?<![A-Za-z0-9:_-])\d{8,10}+:[Aa][A-Za-z0-9_-]{34}(?![A-Za-z0-9_-])"),
    ),
    _Rule(
        kind="password",
        hints=("mysql", "mariadb"),
        pattern=re.compile(
            r"(?<![\w/-])(?:mysql|mysqldump|mysqladmin|mariadb)(?=[ ])[^\n|;&]{0,120}? -p"
            r"(?P<secret>[^\s\"'`|;&]{4,200}+)"
        ),
        is_secret=_is_no_placeholder,
    ),
    _known("AWS key id", ("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _known("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{30,}+"),
    _known("GitHub token", ("github_pat_",), r"[A-Za-z0-9_]{30,}+"),
    _known(
        "GitLab token",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "gloas-"),
        r"[A-Za-z0-9_.-]{20,}+",
    ),
    _known(
        "Slack token",
        ("xoxa-", "xoxb-", "xoxc-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"),
        r"[A-Za-z0-9.-]{10,}+",
    ),
    _Rule(
        kind="Slack webhook",
        hints=("hooks.slack.com",),
        pattern=re.compile(r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_-]{20,}+)"),
    ),
    _known("Stripe key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"[A-Za-z0-9]{16,}+"),
    _known("Stripe key", ("whsec_",), r"[A-Za-z0-9+/=]{24,}+"),
    _known("Google key", ("AIza",), r"[A-Za-z0-9_-]{35}"),
    _known("Google key", ("GOCSPX-",), r"[A-Za-z0-9_-]{20,}+"),
    _known("Google token", ("ya29.",), r"[A-Za-z0-9_-]{20,}+"),
    _known("Hugging Face token", ("hf_",), r"[A-Za-z0-9]{30,}+"),
    _known("npm token", ("npm_",), r"[A-Za-z0-9]{36}"),
    _known("PyPI token", ("pypi-",), r"[A-Za-z0-9_-]{50,}+"),
    _known("SendGrid key", ("SG.",), r"[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"),
    _known("DigitalOcean token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"[a-f0-9]{40,}+"),
    _known(
        "API key",
        ("gsk_", "shpat_", "shpss_", "dapi", "pplx-", "lin_api_", "xai-", "hvs.", "hvb."),
        r"(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9_-]{24,}+",
    ),
    _known("age key", ("AGE-SECRET-KEY-1",), r"[A-Z0-9]{40,}+"),
    _known("JSON web token", ("eyJ",), r"[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]{4,}+)?"),
    _Rule(
        kind="password",
        hints=("://",),
        pattern=re.compile(r"://[^\s/:@'\"<>]{0,100}:(?P<secret>[^\s/@'\"<>]{1,200})@"),
        is_secret=_is_no_placeholder,
    ),
    _Rule(
        kind="bearer token",
        hints=("earer", "EARER", "uthorization", "UTHORIZATION"),
        pattern=re.compile(
            rf"(?:(?:{_spellings('bearer')})[ \t]{{1,4}}"
            rf"|(?:{_spellings('authorization')})[\"']?[:=][ \t]{{0,4}}[\"']?(?i:basic|token)[ \t]{{1,4}})"
            r"(?P<secret>[A-Za-z0-9._~+/=-]{12,}+)"
        ),
        is_secret=_has_figure,
    ),
    _Rule(
        kind="password",
        hints=("ass", "ASS", "wd", "WD", "pw", "Pw", "PW"),
        pattern=re.compile(rf"(?:{_PASSWORD}){_NAME_END}" + _ASSIGNED.format(least=4)),
        is_secret=_is_password,
    ),
    _Rule(
        kind="password",
        hints=("ass", "ASS", "wd", "WD"),
        pattern=re.compile(rf"(?:{_PASSWORD}){_TOLD}"),
        is_secret=_is_told_password,
    ),
    _Rule(
        kind="credential",
        hints=("secret", "Secret", "SECRET", "oken", "OKEN", "key", "Key", "KEY", "redential", "REDENTIAL"),
        pattern=re.compile(rf"(?P<name>{_CREDENTIAL}){_NAME_END}" + _ASSIGNED.format(least=8)),
        is_secret=_is_credential,
    ),
    _Rule(
        kind="credential",
        hints=("secret ", "Secret ", "SECRET ", "oken ", "OKEN ", "key ", "Key ", "KEY "),
        pattern=re.compile(rf"(?P<name>{_CREDENTIAL}){_TOLD}"),
        is_secret=_is_told_credential,
    ),
    _Rule(
        kind="credential",
        hints=("oken for ", "oken of ", "key for ", "key of ", "ecret for ", "ecret of "),
        pattern=re.compile(
            r"(?P<name>[Tt]oken|(?:[Aa][Pp][Ii]|[Aa]ccess|[Ss]ecret) key|[Ss]ecret)"
            r" (?:for|of) [\w./ -]{1,60}? (?:is|was):? "
            r"[\"'`]?(?P<secret>[^\s\"'`\\,;)&<>{}\[\]]{16,512}+)"
        ),
        is_secret=_is_told_of,
    ),
    _Rule(
        kind="password",
        hints=("assword for ", "assword of ", "asscode for ", "assphrase for "),
        pattern=re.compile(
            r"(?:[Pp]ass(?:word|code|phrase)) (?:for|of) [\w./ -]{1,60}? (?:is|was):? "
            r"[\"'`]?(?P<secret>[^\s\"'`\\,;)&<>{}\[\]]{6,512}+)"
        ),
        is_secret=_is_told_of,
    ),
    _Rule(
        kind="AWS secret key",
        hints=("AWS", "aws", "Aws"),
        pattern=re.compile(
            r"(?i:aws)(?i:[ _-]{1,2}secret)?(?i:[ _-]{1,2}access)?(?i:[ _-]{1,2}key)(?: is|:| =|=)? {0,2}"
            r"[\"'`]?(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        is_secret=_is_long_key,
    ),
)
