"""Telling a text that gives orders to the memory, the agent or the system from one that states a fact.

It is a filter of wordings, and so can be got around by a wording that nobody thought of: what it flags is
never applied without a person, and what it lets through has gained no rights by that. How a user wants
work to be done ("always use pnpm") is a fact about the user and passes.
"""

# ruff: noqa: E501 - a wording is one pattern; broken over lines it is harder to read, not easier

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass

ENCODED_RUN_MIN = 160
"""Characters without a space from which Base64 is a payload; hashes and integrity sums have at most 128."""

_HIDDEN_ORDER = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HIDDEN_LETTERS = re.compile("[\U000e0020-\U000e007f]")
_FLAG = "\U0001f3f4"
"""The black flag: regional flags are spelled with tag characters after it."""
_INVISIBLE_IN_WORD = re.compile("(?<=[A-Za-z])[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]+(?=[A-Za-z])")
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")

# Cyrillic and Greek letters that look Latin; only words that mix scripts are folded.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u0261\u03bf\u03b1\u03bd\u03b9\u03ba\u03c4\u03c1\u03c5",
    "aeopcyxijsdhgoaviktpu",
)
_QUOTES = str.maketrans("\u2018\u2019`\u201c\u201d", "'''\"\"")
_MIXED_WORD = re.compile(r"(?=[^\W\d_]{0,40}?[a-z])(?=[^\W\d_]{0,40}?[\u0370-\u052f\u0261])[^\W\d_]{2,40}")
_SPACED_WORD = re.compile(r"\b(?:[a-z][ .\-_*]){4,30}[a-z]\b")

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{20,}+={0,2}")
_OTHER_ENCODING = re.compile(
    r"(?:%[0-9a-fA-F]{2}){16}|(?:\\u[0-9a-fA-F]{4}){8}|(?:\\x[0-9a-fA-F]{2}){12}|(?:&#x?[0-9a-fA-F]{2,5};){8}"
)
_PUBLIC_KEY = re.compile(r"(?:ssh-[a-z0-9]+|ecdsa-[a-z0-9-]+|-----BEGIN [A-Z ]{3,30}-----)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    reason: str
    pattern: re.Pattern[str]


def looks_like_instruction(text: str) -> str | None:
    """Why the text reads as an order to the memory, the agent or the system; None when it does not."""
    if _HIDDEN_ORDER.search(text):
        return "hides the order of its letters with bidirectional controls"
    if _FLAG not in text and _HIDDEN_LETTERS.search(text):
        return "carries invisible tag letters"
    if _INVISIBLE_IN_WORD.search(text):
        return "hides characters inside its words"
    if _has_payload(text):
        return "carries an encoded payload"
    folded = _fold(text)
    return next((wording.reason for wording in _WORDINGS if wording.pattern.search(folded)), None)


def may_instruct(text: str) -> bool:
    """Whether `looks_like_instruction` is worth asking: a quick look for what such texts are made of.

    That reads a quarter of a megabyte a second, and this some five. It is for reading a whole store, where an
    entry that it misses is still looked at whenever a change writes it; a text that comes in is read in full.
    """
    if not text.isascii() and _NOT_PLAIN.search(text):
        return True
    folded = text.casefold()
    if not _TELLING.isdisjoint(re.findall(r"[a-z]+|<[/|]?", folded)) or _has_payload(text):
        return True
    return any(hint in folded for hint in _HINTS) and bool(_TELLING_TOGETHER.search(folded))


def _fold(text: str) -> str:
    """The text as a reader sees it: one case, one width, no invisible characters, plain letters and quotes."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = text.translate(_QUOTES)
    if not text.isascii():
        text = _MIXED_WORD.sub(lambda word: word[0].translate(_LOOKALIKES), text)
    text = _SPACED_WORD.sub(lambda word: re.sub(r"[ .\-_*]", "", word[0]), text)
    return re.sub(r"[ \t\f\v]+", " ", text)


def _has_payload(text: str) -> bool:
    # Looking for the signs first is several times as fast, and most texts have none.
    if any(sign in text for sign in ("%", "\\", "&#")) and _OTHER_ENCODING.search(text):
        return True
    for run in _BASE64.finditer(text):
        if _hides_sentence(run[0]):
            return True
        if len(run[0]) >= ENCODED_RUN_MIN and not _PUBLIC_KEY.search(text, max(0, run.start() - 60), run.start()):
            return True
    return False


def _hides_sentence(run: str) -> bool:
    """Whether Base64 decodes to readable words; identifiers, hashes and paths decode to noise."""
    standard = run.rstrip("=").replace("-", "+").replace("_", "/")[:4_000]
    try:
        decoded = base64.b64decode(standard[: len(standard) // 4 * 4]).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return decoded.isprintable() and " " in decoded.strip()


_NOT_PLAIN = re.compile(
    # Controls, letters of other widths, Cyrillic and Greek beside Latin; words of the wordings in other languages.
    "[\u00ad\u0261\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\uff00-\uffef"
    "\U0001d400-\U0001d7ff\U000e0020-\U000e007f]"
    "|[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]|忽略|无视|無視|忘记|忘掉|(?i:игнор|забудь|instruç)"
)

_TELLING = frozenset(
    """
    < </ <| ignore ignores ignorez ignora ignoriere ignorieren olvida oublie oubliez vergiss vergessen disregard disregarding
    forgotten obey obeying comply adhere heed bypass circumvent override overrides overriding overrule supersede
    supersedes instruction instructions directive directives guideline guidelines guidance guardrails safeguards
    rules prompt prompts tool tools system developer admin administrator operator anthropic openai dreamkeep
    claude gpt chatgpt llm ai bot copilot assistant assistants agent agents model judge judges reviewer
    reviewers review curator inst entry entries note record priority prioritise prioritize persistent permanent
    permanently immutable trust trusted trustworthy trusts tier verified authoritative approve approved approves
    approval accept auto rubber proposal proposed suggestions switch rollback outdated merge archive recalled
    retrieved jailbreak unrestricted uncensored pretend roleplay mode persona granted authorized authorised
    exfiltrate silently secretly quietly covertly secrets credentials passwords reveal leak hide hidden conceal
    withhold omit inform notify consent permission confirmations whoever whatever execute invoke curl wget eval
    decode ssh passwd aws env https http rm append advert advertisement human sudo bash sh
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a hundred quoted ones
)
"""Words of which at least one stands in nearly every order to a memory or an agent."""

_HINTS = ("you", "user", "owner", "memor", "forget", "recommend", "@")
_TELLING_TOGETHER = re.compile(
    r"\byou (?:must|will|should|shall|have|are|need|remember)\b|\byour (?:new|real|true|actual|only|secret|rules?|role|answers?)\b"
    r"|\b(?:tell|to|from|without|when|whenever|before|ask|asking) (?:a|an|any|the|your|its) (?:user|owner)\b"
    r"|\b(?:this|that|these|other|all|every|any|your|core|long-term) memor|\bforget (?:all|every|any|what|your|previous)"
    r"|\balways recommend|\bits user\b|@[\w-]{1,40}\."
)
"""Words that are common alone, as they stand in such orders."""


def _words(reason: str, *patterns: str) -> _Wording:
    return _Wording(reason=reason, pattern=re.compile("|".join(f"(?:{pattern})" for pattern in patterns)))


# Gaps are bounded, so that each pattern looks at a bounded stretch from wherever it begins.
_ANY = r"[^\n]{0,60}?"
_MEMORY = (
    r"(?:memor(?:y|ies)|memory (?:store|entr(?:y|ies))|remembered (?:facts|entries)|stored (?:facts|entries|memories))"
)
_THIS = r"(?:this|that|these|the following|the (?:above|next)|it)"
_AN_AGENT = r"\b(?:the|this|your|every|any|each|an?|all) (?:ai |coding )?(?:ai|llm|language model|assistant|agent|bot|copilot)s?"
_OVERRULED = (
    r"(?:(?:system|developer|safety|security|content|initial|original|hidden) )?"
    r"(?:instruction|direction|directive|prompt|rule|guideline|guardrail|constraint|restriction|polic(?:y|ies)|command|message|context|training|programming)s?"
)

_WORDINGS = (
    _words(
        "tells the reader to ignore its instructions",
        r"\b(?:ignore|disregard|forget) (?:what|whatever|everything|anything|all) (?:that )?(?:the |your )?(?:user|developer|system|owner|human|admin|operator|prompt)s? (?:told|said|says|tells|wants?|asked|asks|wrote)\b",
        r"\b(?:stop|quit) (?:following|obeying) (?:the|your|any|all|its)\b|\b(?:drop|discard|abandon) your (?:\w+ )?(?:guidance|instructions?|rules?|guidelines?|directives?)\b",
        r"\b(?:previous|prior|earlier|past|former|other|existing|your|any|all) (?:\w+ ){0,2}(?:instruction|direction|directive|prompt|rule|guideline|guardrail|restriction|polic(?:y|ie)|command|guidance|constraint|role|task|goal)s? (?:above )?(?:is|are|was|were|has|have)(?: now| been| hereby){0,2} (?:void|revoked|changed|replaced|cancell?ed|superseded|suspended|lifted|rescinded|overridden|obsolete|invalid|invalidated|null|withdrawn|no longer)\b",
        r"\b(?:always|only|henceforth|blindly|(?:from now on|from this point),?) obey\b(?! (?:the|our|all|every|pep|rfc)\b)|\bobey (?!the (?:speed|law|rules of))[\w ]{1,40}(?:only|alone|always|instead|from now on|whatever|no matter)\b",
        r"\b(?:obey|comply with|adhere to|heed) (?:only )?(?:this|the following|these|me|my|what follows|instructions? (?:below|here|in))\b",
        r"\bthis (?:entry|memory|note|fact|instruction|rule|record|message) (?:supersedes|overrides|cancels|replaces|outranks|invalidates|voids|trumps|wins over|takes (?:precedence|priority))\b",
        r"\b(?:overrid(?:e|es|ing)|bypass(?:es|ing)?|disabl(?:e|es|ing)|turn(?:ing)? off|switch(?:ing)? off|circumvent(?:ing)?|ignor(?:e|ing)|suspend) (?:all |the |any |your |its |every ){0,2}(?:safety|guardrails?|safeguards?|content filters?|redaction|moderation|human review|permission checks?|alignment|ethic\w*|restrictions)\b",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|overrul(?:e|ing)|bypass(?:ing)?|circumvent|"
        r"discard|abandon|pay no attention to|(?:do not|don't|stop|never) (?:follow|obey|adhere to)(?:ing)?|stop (?:following|obeying))\b"
        rf" (?:(?:all|any|every|each|everything|the|of|and|your|my|our|its|these|those|what|whatever|other) ){{0,4}}"
        rf"(?:previous|prior|preceding|earlier|above|past|existing|foregoing|former|other|your|system|developer|safety|security) "
        rf"(?:(?:and|or|previous|prior|earlier|above|system|current|given) ){{0,3}}{_OVERRULED}\b",
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything|whatever) (?:(?:that )?(?:was |is |you )?(?:above|before|previous|prior|so far|you (?:know|were|have been)|told|said|learned|instructed))",
        r"\b(?:overrid(?:e|es)|supersedes?|takes? (?:precedence|priority) over|outranks?|replaces?) (?:(?:all|any|every|each|other|previous|prior|existing|earlier|the|your|of|stored|conflicting) ){1,4}"
        r"(?:instruction|rule|memor(?:y|ies)|directive|guideline|prompt|system)s?\b",
        r"\bnew (?:system )?(?:instructions?|directives?|orders?) ?:",
        r"\b(?:ignore[zr]?|ignoriere?n?|vergiss|vergessen sie|ignora|ignorar?|olvida|oublie[zr]?|esque[cç]a)\b[^\n.]{0,30}\b(?:instructions?|consignes|anweisungen|instrucciones|instruções|istruzioni|indicaciones)\b",
        r"(?:忽略|无视|無視|忘记|忘掉)[^\n。]{0,12}(?:指令|指示|说明|規則|规则|提示)",
        r"(?:игнориру|забудь)[^\n.]{0,30}(?:инструкц|указани)",
    ),
    _words(
        "imitates a system message or a speaker's turn",
        r"\b(?:new|updated|revised|real|actual|true) system (?:prompt|instructions?|message|policy)\b",
        r"</?(?:system|assistant|human|user|developer|instructions?|system[-_]?(?:prompt|message|reminder|override|note)|admin|stored|wishes|entry|entries|candidates?|function_calls?|function_results?|tool_(?:use|call|result)s?|invoke|antml[:\w]*)\b[^>\n]{0,80}>",
        r"<\|[^|\n]{1,40}\|>",
        r"\"role\" ?: ?\"(?:system|developer)\" ?, ?\"(?:content|text)\"",
        r"(?:^|\s)@(?:(?:ai|coding)[- ]?)?(?:agent|assistant|bot|llm|claude|copilot)s? ?[:,]",
        r"\[/?(?:inst|system|sys|admin|developer|assistant|system (?:message|prompt|override|note)|override)\]|<</?sys>>",
        r"(?:^|\n)\s*(?:#{1,6} ?|\*\*|\[)?(?:system|developer|admin(?:istrator)?)(?: (?:message|prompt|note|notice|override|instruction|update|alert|directive)s?)?(?:\*\*|\])? ?: ?(?:\*\*)?\s*(?:you|ignore|from now|the (?:user|assistant|agent)|always|never|do not|don't|must|important|override|new|all|store|remember|reply|respond|execute|run|set|mark|delete|treat)\b",
        r"\bsystem (?:override|prompt|directive|instruction|alert)s? ?[:\-\u2013\u2014]",
        r"\n\s*(?:human|assistant|user|ai) ?:\s",
        r"\b(?:begin|end|start of) (?:system|hidden|developer|admin) (?:prompt|instructions?|message)",
    ),
    _words(
        "tells the memory how to keep or trust it",
        r"\b(?:merge|delete|erase|archive|supersede|retire|close) (?:all|every|each) (?:other |the |existing )?(?:entry|entries|memory|memories|facts) (?:into|in favou?r|with|except|but|and)\b",
        r"\b(?:consent|approval|permission|confirmation|review) (?:of the user )?is (?:not|no longer|never) (?:needed|required|necessary)\b",
        r"\b(?:dream(?:er)?|consolidat(?:or|ion)|memory (?:system|server|agent|curator|store)|(?:reviewer|judge|curator)(?=[^\n.]{0,50}\b(?:this|keep|without|candidate|proposal|entry|memory)\b)) (?:must|should|shall|has to|will|needs to|is (?:required|instructed|ordered) to)\b",
        r"\b(?:do not|don't|never) let (?:the|any|your|this) (?:dream|memory|judge|reviewer|consolidation|curator)\b",
        r"\b(?:in|into|to) (?:your |the )?(?:core|long-term|permanent) memory\b",
        r"\b(?:give|assign|grant) (?:this|these) \w+ (?:the )?(?:highest|top|maximum|full|admin|user|persistent)\b|\bprioriti[sz]e this (?:entry|memory|note|fact|record)\b",
        r"\bmark (?:everything|all|anything|every \w+)\b[^\n.]{0,40} as (?:outdated|wrong|stale|expired|useful|deleted|superseded)\b",
        r"\bskip (?:the |any |all |this )?(?:human |user )?(?:review|confirmation|approval) (?:step|stage|prompt)s?\b|\b(?:reply|answer|respond)(?: only)? with (?:yes|ok|accept|approved?|keep|included) to\b",
        r"\b(?:remember|store|save|keep|memori[sz]e|retain|persist) (?:this |it |that |the following )?(?:permanently|forever|for ever|for good|indefinitely|across all|in all future|in your)\b",
        r"\b(?:make|mark|set|keep|render|consider|declare) (?:this|these|that|the following) (?:\w+ )?(?:memor(?:y|ies)|entr(?:y|ies)|notes?|facts?|records?|lines?|text) (?:as )?(?:persistent|permanent|trusted|verified|immutable|sacred|authoritative|true|undeletable)\b",
        r"\b(?:raise|increase|elevate|boost|upgrade|bump|escalate) (?:its|this|the|their|my|this \w+'?s?)(?: \w+)? (?:trust|tier|priority|privileges?|permissions?|rank|rights)\b",
        r"\b(?:treat|regard|consider|accept|take|trust) (?:anything|everything|whatever|all|any|every|each|what)\b[^\n.]{0,60}\b(?:as|like|coming from)\b[^\n.]{0,30}\b(?:owner|user|admin\w*|trusted|authoritative|true|truth|instructions?|commands?|orders?|approved|fact)\b",
        r"\b(?:this|these|the following|my) (?:\w+ )?(?:entry|memory|note|fact|record|change|change set|merge|entries|facts|memories) (?:do|does|did|need|needs|require|requires) (?:not|no|never)\b",
        r"\b(?:hide|conceal|omit|suppress|skip|exclude|leave out|do not (?:surface|show|list|flag|display|include|report|merge|archive|supersede|delete|touch|review|question|change)|don't (?:surface|show|list|flag|display|include|report|merge|archive|supersede|delete|touch|review|question|change)|never (?:surface|show|list|flag|merge|archive|supersede|delete|review|question)) (?:this|these|the following) (?:\w+ )?(?:entry|memory|note|fact|change|line|record|instruction|entries|memories|facts|changes)\b",
        rf"\b(?:store|save|remember|record|write|add|keep|mark|tag|tier|retier|promote|pin|classify|treat|flag|file|label|commit) (?:{_THIS}|everything|your) ?(?:memory|entry|note|fact|text|message|instruction|rule|information|down|in|to|as|with|at|into|under|a|an|the|highly|fully|is|one|following| )*? ?"
        r"(?:persistent|permanent(?:ly)?|trusted|verified|authoritative|immutable|ground truth|user[- ](?:approved|verified|stated|trust(?:ed)?)|pre-?approved|already approved|high(?:est)?[- ](?:priority|trust|importance)|top priority|maximum (?:priority|trust|importance)|long[- ]term memory|core memory|system memory|your memory|every (?:session|conversation|project)|all future (?:sessions|conversations|projects))\b",
        rf"\b(?:delete|forget|erase|wipe|overwrite|archive|purge|clear|supersede|merge|drop|remove|destroy|retire|corrupt) (?:(?:all|every|any|each|everything|the|of|your|my|our|other|existing|previous|prior|older|old|conflicting|contradicting|user'?s?|in) ){{0,4}}{_MEMORY}\b",
        r"\b(?:forget|delete|erase|wipe) (?:all|everything|anything) (?:(?:that )?(?:you|we|was|is|has been)(?:'ve| have)? )?(?:know|remember|remembered|stored?|learned|recorded|been told|saved)",
        r"\b(?:never|do not|don't|must not|may not|cannot|should not|not be|must never be|never be) (?:be )?(?:merged?|superseded?|archived?|forget|forgotten|deleted?|removed?|reviewed?|flag(?:ged)?|redact(?:ed)?|overwrit(?:e|ten)|questioned?|replaced?|expired?)(?: or \w+)? (?:this|the) (?:entry|memory|note|fact|instruction|rule|record)\b",
        r"\bthis (?:entry|memory|memory entry|fact|note|record|instruction|rule) (?:must|should|may|can|is|shall|has to)(?: be)? (?:always|never|not|cannot|permanent|trusted|pre-?approved|approved|verified|authoritative|kept|included|accepted|obeyed|followed|exempt|mandatory)",
        r"\b(?:store|save|remember|record|keep|tag|mark) as (?:persistent|permanent|trusted|verified|user[- ]approved)\b(?! vol| disk| stor)",
        r"\b(?:supersede|archive|merge|split|keep|forget|delete|erase|replace|retire|trust) (?:\w+ ){0,2}e_[0-9a-hjkmnp-tv-z]{8}\b|\be_[0-9a-hjkmnp-tv-z]{8}(?:,? (?:and )?e_[0-9a-hjkmnp-tv-z]{8}){0,8} (?:is|are) (?:outdated|wrong|stale|obsolete|false|duplicates?)\b",
        r"\"judge?ments\" ?: ?\[|\bcandidates? \d+ (?:is|are|must be|should be|:|=) ?(?:to be )?(?:archive|merge|supersede|keep|split)d?\b",
        r"\b(?:set|raise|change|give|assign|upgrade) (?:its|this|the|their) ?(?:entry'?s?|memory'?s?)? ?(?:trust|tier|priority|risk|decision)(?: level)? (?:to|=|of)",
        r"\b(?:trust|tier|risk|decision|policy) ?[=:] ?['\"]?(?:user|persistent|low|included|auto_low|auto_medium|trusted)\b",
        r"\b(?:accept|approve|include|apply|auto-?approve|rubber-?stamp) (?:(?:this|all|every|the|each|any|these|of|following|proposed|suggested|pending|open|(?:high|medium|low)[- ]risk|dream'?s?) ){1,5}(?:change|proposal|suggestion|judge?ment|merge|operation|dream|version)s?\b",
        r"\b(?:all|every|any|each) (?:of )?(?:the |my |your |our )?(?:earlier|previous|prior|other|older|existing|former|past) (?:notes?|memor(?:y|ies)|entr(?:y|ies)|facts?|records?)\b[^\n.]{0,60}\b(?:must|should|shall|can|need to|needs to|has to|have to|is to|are to) (?:all )?be (?:forgotten|ignored|disregarded|deleted|erased|removed|archived|discarded|superseded|dropped|wiped|overwritten)\b",
        r"\b(?:switch|roll ?back) the (?:memory|store|head) to\b|\bswitch to (?:the proposed version|version \d+(?!\.))",
    ),
    _words(
        "orders the agent to act",
        rf"(?:{_AN_AGENT} (?:(?:always|automatically|also|must|should|shall|will|has to|needs to|is to) ){{1,3}}|\b(?:the|this|your) (?:ai )?(?:assistant|copilot|llm|language model) )(?:forward|send|upload|post|e-?mail|cop(?:y|ie)|transmit|deliver|leak|submit)(?:e?s)?\b{_ANY}(?:[\w.+-]{{1,40}}@[\w-]{{1,40}}\.|https?://|\bwebhook)",
        rf"{_AN_AGENT} (?:(?:always|automatically|also|first|must|should|shall|will|has to|needs to|is to) ){{1,3}}(?:run|execute|type|paste)s?\b{_ANY}(?:\brm -|\bsudo\b|\bcurl\b|\bwget\b|\bmkfs|\bdd if=|\bchmod\b|https?://)",
        r"\b(?:when(?:ever)?|while|before) (?:you are |you're )?(?:answering|responding|replying|asked|recommending|advising)\b[^\n.]{0,40}?\b(?:always|only|first) (?:recommend|promote|advertise|praise|endorse|favou?r)\b",
        r"\b(?:as soon as|once|after|the moment) you(?:'ve| have)? (?:see|read|recall|retrieve|load|process)(?:ed)? this\b",
        r"\bwhen(?:ever)? this (?:\w+ )?(?:is|gets) (?:next )?(?:recalled|retrieved|read|loaded|seen|shown|summari[sz]ed|found)\b",
        r"\b(?:begin|end|start|open|close|finish) (?:every|each|all|any|your) (?:answer|reply|response|message|conversation)s? (?:with|by)\b[^\n.]{0,30}\b(?:ad|advert\w*|promo\w*|slogan|sponsor\w*|referral|coupon)\b",
        r"\bwhen(?:ever)? (?:you|an? (?:ai|agent|assistant|model)|this (?:\w+ )?is) (?:next |are |later )?(?:read|see|recall|process|retrieve|load|recalled|retrieved|loaded|summari[sz]ed?|encounter)(?:ing)? (?:this|it)\b|\bupon (?:reading|recalling|retrieving|loading) this\b",
        r"(?:^|[.!\n]) ?(?:assistant|claude|ai|agent|model|gpt|chatgpt|llm|bot|copilot) ?[,:] ?(?:please )?(?:when you|run|execute|paste|send|upload|delete|erase|transfer|approve|grant|install|download|forward|fetch|open|visit|email|disable|reveal|print|curl|obey|exfil)\b",
        r"\b(?:cat|print|paste|read|send|upload|copy|post|show|include|open|dump|fetch|e-?mail|attach|type)\b[^\n]{0,40}(?:~?/?\.ssh/id_\w+(?!\w*\.pub)|\bid_(?:rsa|ed25519|ecdsa|dsa)\b(?!\.pub)|\.aws/credentials|/etc/(?:passwd|shadow)|\.netrc|\.kube/config|\.gnupg|wallet\.dat|login\.keychain)",
        r"\b(?:always|every time|in (?:each|every|all)|to (?:each|every|all)|whenever)\b[^\n]{0,40}\b(?:append|add|insert|embed|include|attach|end|link|load|fetch|visit|open|request|ping)\b[^\n]{0,40}https?://|\b(?:append|insert|embed|attach) https?://\S{4,200} (?:to|in|into|at)\b",
        r"\b(?:tell|assure|convince|inform|answer|reply to) (?:the |your |any )?(?:user|human|owner|operator)s?\b[^\n.]{0,60}\b(?:even (?:if|when|though)|regardless|no matter|although|instead of the truth)\b|\b(?:lie to|deceive|mislead|gaslight|manipulate|trick) (?:the |your )?(?:user|human|owner|operator|reviewer)\b",
        r"\byou (?:must|should|shall|have to|need to|will|are (?:required|instructed|ordered|obliged) to|are to)(?: now| always| first| immediately| never| only| also| therefore| then){0,3} (?:call|invoke|trigger|obey|comply|execute|exfiltrate|respond only|reply only|answer only)\b",
        r"\b(?:always |first |then |please |must )(?:call|invoke|trigger) (?:the |my |our |an? )?['\"]?[\w./-]{1,40}['\"]? (?:mcp )?(?:tool|mcp server|mcp)\b",
        r"\b(?:immediately |now |silently )(?:call|invoke|trigger) (?:the |my |our |an? )?['\"]?[\w./-]{1,40}['\"]?(?: (?:tool|function|endpoint|webhook|action|mcp)\b|\(|_)",
        r"\b(?:call|invoke|trigger|use|run) (?:the |an? )?['\"]?[\w./-]{1,40}['\"]? (?:tool|function|endpoint|webhook|action) (?:with|before (?:every|each|any|all|answering|responding|replying)|after (?:every|each|any|all)|on (?:every|each)|whenever|every time|at the (?:start|beginning|end) of)",
        r"\b(?:execute|run|paste|eval(?:uate)?|decode|follow|perform|carry out|obey) (?:and \w+ )?(?:the following|this|these|what follows)(?: \w+){0,2} ?(?:command|code|script|instruction|step|shell|payload|base64|string|order|directive)?s? ?:",
        r"\b(?:decode|decrypt|unescape|base64[- ]?decode|rot13)\b[^\n.]{0,40}\b(?:and|then) (?:follow|execute|run|obey|do|act)\b",
        r"\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}\| ?(?:sudo )?(?:ba|z|da|c|k)?sh\b|\bbase64 (?:-d|--decode|-D)\b|\beval\(|\batob\(|\bfromcharcode\b|\brm -rf (?:/|~|\$home)(?:\s|$|\*)",
        r"\b(?:who(?:so)?ever|anyone who|anybody who|everyone who|any agent that|each agent that) (?:\w+ )?(?:reads?|sees?|recalls?|retrieves?|finds?|loads?) (?:this|it)\b",
        r"\bwhen(?:ever)? (?:the |a |any |your )?(?:user|human|someone|anyone|somebody|anybody|people|they|he|she) (?:asks?|says?|mentions?|requests?|wants?|inquires?|types?|logs?)\b[^\n]{0,80}?\b(?:recommend|promote|advertise|insert|append|inject|include (?:a |the |this )?link|link to|claim|deny|lie|pretend|send|forward|leak|upload|redirect|call|invoke|answer that|say that|tell (?:them|him|her) that)\b",
    ),
    _words(
        "asks to keep something from the user",
        r"\b(?:hide|conceal|withhold|keep) (?:this|it|these|that|all of this)(?: \w+){0,2} from (?:whoever|whomever|anyone|anybody|everyone|the|your|any|all|every)\b",
        r"\b(?:omit|leave out|skip|remove|suppress|drop) (?:anything|any mention|everything|all (?:mentions?|references?)|every mention|any reference)\b",
        r"\b(?:stop|quit|no longer|never again|no need for|avoid) (?:ask|asking|consult|consulting|checking with|check with|notify|notifying|informing|confirming with) (?:the |your )?(?:user|human|owner|operator)\b",
        r"\b(?:do not|don't|never) (?:ever )?(?:reveal|repeat|disclose|share|mention|expose|quote) (?:this|these|that|those|the) (?:\w+ )?(?:instruction|rule|prompt|note|entry|memory|message|directive|order|command)s?\b",
        r"\b(?:do not|don't|never|must not|should not|without|avoid|refrain from|no need to|not) (?:ever |to )?(?:tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|warn(?:ing)?|ask(?:ing)?|show(?:ing)?(?: (?:this|it) to)?|mention(?:ing)?(?: (?:this|it|that|anything))?(?: to)?|reveal(?:ing)?(?: (?:this|it|that|anything))?(?: to)?|disclos(?:e|ing)(?: (?:this|it|that))?(?: to)?|report(?:ing)?(?: (?:this|it))? to|let(?:ting)?|consult(?:ing)?) (?:the |your |its )?(?:user|human|owner|operator|person|reviewer)(?!s)\b",
        r"\b(?:do not|don't|never|must not) (?:mention|reveal|disclose|show|discuss|acknowledge|repeat|display|quote) (?:this|these|the existence of|any of this|that you|having)\b[^\n.]{0,20}(?:instruction|message|memory|note|entry|rule|prompt|directive|text|received|read|were|to (?:the )?(?:user|human|anyone))",
        r"\b(?:without|before) (?:the )?(?:user|human|owner)(?:'?s)? (?:knowledge|knowing|consent|permission|approval|confirmation|noticing|notices?|seeing)|\bwithout (?:asking|confirmation|approval|telling|informing) (?:from |by )?(?:the |your )?(?:user|human|owner)\b",
        r"\b(?:keep|hide|conceal|withhold) (?:this|it|these|the following|that)(?: \w+)? ?(?:secret|hidden|confidential|private|quiet)? ?from (?:the |your )?(?:user|human|owner|anyone|everyone)(?!s)",
        r"\b(?:silently|secretly|quietly|covertly|stealthily|in the background)(?: and \w+)? (?:send|forward|upload|post|exfiltrate|execute|run|install|download|copy|transmit|call|invoke|email|add|change|modify|delete)\b",
    ),
    _words(
        "gives the reader another role",
        r"\bact (?:as if|as though|like) [^\n.]{0,40}\b(?:rules?|restrictions?|safety|guidelines?|limits?|polic(?:y|ies))\b",
        r"\byou (?:have been|were|are)(?: hereby| now| already)? (?:granted|authori[sz]ed|elevated|cleared|exempt(?:ed)?|freed)\b|\b(?:switch|change|drop|abandon) your (?:persona|identity|role|character)\b",
        r"\byou are (?:now|no longer|actually|henceforth) (?:an? |in |the |free|bound|operating|acting|allowed|authori[sz]ed|unrestricted|required|dan\b|my )",
        r"\bfrom now on,? you (?:are|will be|must|act|answer|respond|obey|have|only)\b",
        r"\b(?:pretend|imagine|act as (?:if|though)|roleplay|behave as if) (?:to be|that you|you|you're|as) ?(?:are|were|an?|have|the)?\b[^\n]{0,30}\b(?:unrestricted|no (?:rules|restrictions|limits|filters?)|admin\w*|root|system|developer|hacker|evil|jailbroken|without)",
        r"\bact as (?:an? |the )?(?:unrestricted|uncensored|admin\w*|root|system|developer mode|dan|jailbroken|superuser)\b",
        r"\b(?:your|the assistant's) (?:new|real|true|actual|only|secret|hidden) (?:role|persona|identity|purpose|goal|task|instructions?|objective|mission|job) (?:is|are)\b",
        r"\b(?:enter|enable|activate|switch (?:in)?to|engage|you are in) (?:the )?(?:developer|god|dan|jailbreak|sudo|unrestricted) mode\b|\bjailbreak",
        r"\b(?:yolo|dan|god) mode (?:is )?(?:enabled|activated|on)\b",
    ),
    _words(
        "speaks to a model rather than about somebody",
        r"\b(?:directive|instruction|order|message|notice)s? from (?:anthropic|openai|the (?:system|developer|admin\w*|operator))\b",
        r"\bthis is (?:the |your |an? )?(?:system|developer|admin\w*|operator|anthropic|openai)(?: speaking| here)? ?[:,.!]",
        r"\b(?:the|any|every|each) (?:ai|llm) (?:must|shall|never|always|has to|is to|should (?:never|always))\b",
        r"\b(?:note|message|memo|attention|instructions?|important|notice|reminder|dear|hey|hello|warning|directive) ?:? ?(?:to|for|,)? ?(?:the |any |all |every )?(?:future )?(?:ai|llm|language model|model|assistant|ai agent|ai assistant|agent)s?(?: (?:reading|processing|that|who|with)\b| ?[:,!])",
        r"\b(?:any |the |an? )?(?:ai|llm|language model|model|assistant|agent)s? (?:that is |that's |who is |which is |currently )?(?:reading|processing|summari[sz]ing|consolidating|parsing|judging|reviewing) this\b",
        r"\bif you(?:'re| are) (?:an? |the )?(?:ai|llm|language model|large language model|assistant|agent|model|judge|reading this)\b",
        r"\b(?:this is|here is|here are|the following (?:is|are)) (?:an? |the |your )?(?:official |urgent |important |legitimate |new |authori[sz]ed )*(?:message|instruction|directive|order|notice|command|request|update)s? (?:from|by) (?:the )?(?:system|developer|anthropic|openai|admin\w*|owner|operator|security team|dreamkeep)",
        r"\b(?:as|i am|i'm|speaking as) (?:an? |the |your )(?:system |memory |authori[sz]ed )?(?:administrator|developer|creator|anthropic \w+|operator),? (?:i |and |you )",
        r"\b(?:the )?(?:user|owner|human) (?:has |have )?(?:already |previously |explicitly )+(?:approved|authori[sz]ed|consented|agreed|confirmed|accepted|granted)\b",
    ),
    _words(
        "asks for secrets or sends something away",
        r"\b(?:reveal|print|repeat|output|show|leak|expose|disclose|dump|recite|summari[sz]e|tell me|give me|what (?:is|are))(?: \w+){0,2} (?:your|the) (?:\w+ )?(?:system prompt|initial prompt|hidden prompt|initial instructions|system message|hidden instructions|system instructions|instructions verbatim)",
        rf"\b(?:send|post|upload|forward|exfiltrate|leak|transmit|e-?mail|copy|submit|report|pipe|sync|deliver)\b{_ANY}\b(?:api[ -_]?keys?|credentials?|secrets?|passwords?|tokens?|conversation|chat history|history|transcripts?|memor(?:y|ies)|ssh keys?|\.env|private keys?|environment variables|env vars|files?|contents?|data|code|source|everything|facts?|entries|memor(?:y|ies)|deploy keys?)\b[^\n]{{0,60}}?(?:https?://|[\w.+-]{{1,40}}@[\w-]{{1,40}}\.|webhook|pastebin|attacker|external server|remote server|\bdiscord\b)",
        r"!\[[^\]\n]{0,80}\]\(https?://[^)\n]{0,200}[?&][^)\n]{0,200}(?:\{|\$|secret|token|history|data=|leak|steal|exfil)",
        r"\bexfiltrat",
    ),
)
