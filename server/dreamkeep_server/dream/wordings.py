"""The English wordings by which users state something, and those by which they do not; no reading here."""

# ruff: noqa: E501 - a wording is one pattern; broken over lines it is harder to read, not easier

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["preference", "correction", "decision", "fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a statement of one kind begins; the pattern is matched at its first word."""

    kind: Kind
    plain: bool
    """Whether the user can hardly mean anything else, as with "remember that"."""
    pattern: re.Pattern[str]


def _words(kind: Kind, pattern: str, *, plain: bool = False) -> Wording:
    return Wording(kind=kind, plain=plain, pattern=re.compile(pattern, re.IGNORECASE))


NOT_STATED = re.compile(
    # Questions and hypotheticals; what they may want; what was only asked of somebody once.
    r"^(?:if|what|why|how|who|where|which|can|could|would|should|do you|did|does|is|are|was|were|have you|has|"
    r"suppose|imagine|let's say|assume|say|maybe|perhaps|when (?:did|was|i was)|while|although|though|i guess|i wonder|i think i|i thought)\b"
    r"|\b(?:maybe|perhaps|might|not sure|unsure|wondering|i guess|i wonder|hypothetically|supposedly|for example|e\.g\.|for instance|"
    r"what if|kidding|just joking|jk|i wish|if only|can you|could you|would you|will you|do you)\b"
    r"|\[redacted: |[?]",
    re.IGNORECASE,
)
# Pointing words that only the conversation around them resolves.
_POINTS = r"(?:it|this|that|these|those|them|they|him|her|you|your|how|what|when|where|seeing|hearing|knowing|the (?:idea|way|look|sound|fact|first|second|third|last|other|latter|former|one|thought|vibe|energy)|option|both|either|all (?:of )?(?:it|that|this|these|those))"
_OFTEN = r"(?:(?:really|also|always|usually|generally|strongly|personally|definitely|mostly|typically|normally|still|much|actually|absolutely|truly|just|both|do)\s+){0,3}"
_WORK = (
    r"(?:use|using|run|write|add|put|keep|prefer|check|ask|commit|push|merge|deploy|format|test|include|avoid|name|call|return|log|"
    r"document|explain|answer|respond|reply|show|create|start|end|store|save|open|close|update|install|import|export|pin|sign|squash|"
    r"rebase|tag|release|review|validate|escape|handle|raise|throw|wrap|mock|delete|remove|touch|edit|modify|change|mention|assume|"
    r"skip|leave|send|book|order|buy|choose|pick|serve|suggest|recommend|schedule|convert|cite|quote|link|translate|summari[sz]e|"
    r"provide|address|refer|set|build|generate|apply|follow|give|format|indent|refactor|implement|structure|list|highlight|specify|"
    r"double-check|verify|confirm|round|display|print|render|cache|lint|type|annotate|comment|hard-?code|depend|rely|upgrade|downgrade|"
    r"force-push|ship|spell|begin|make sure|ensure|work|stick|break|offer|consider|prioriti[sz]e|tell|let|do|make|round|abbreviate)"
)
_KIN = (
    r"(?:wife|husband|partner|girlfriend|boyfriend|spouse|fianc[eé]e?|son|daughter|kids?|children|mother|father|mom|mum|dad|parents|brother|sister|"
    r"dog|cat|pet|birthday|anniversary|e-?mail(?: address)?|time ?zone|team|company|employer|boss|manager|phone(?: number)?|address|"
    r"job|job title|title|role|pronouns|editor|ide|shell|laptop|machine|os|operating system|name|full name|nickname|username|handle|"
    r"hometown|home|native language|mother tongue|blood type|diet|car|budget|deadline|goal|office|salary|doctor|school|university)"
)
_THINGS = (
    r"(?:database|db|repo(?:sitory)?|api|backend|front-?end|server|staging(?: \w+)?|production(?: \w+)?|prod(?: \w+)?|test suite|tests|ci|pipeline|"
    r"build|codebase|project|app|application|stack|monorepo|style guide|convention|policy|standard|default(?: \w+)?|main branch|branch|"
    r"release(?:s| \w+)?|deploy(?:s|ments?| \w+)?|cluster|port|timeout|domain|endpoint|package manager|team|company|office|stand-?up|sprint|"
    r"budget|deadline|customers?|clients?|documentation|docs|wiki|logs|secrets|migrations|infra(?:structure)?|website|site|product|dev server|cloud|region)"
)
_PREDICATE = r"(?:is|are|was moved|lives?|runs?|uses?|listens?|sits?|stays?|has|have|must|needs?|should|happens?|starts?|ends?|goes|belongs?|points?|requires?|supports?|targets?|depends?|expects?|means)"
_SPECIFIC = r"(?=.*(?:\d|`|(?-i:\b[A-Z][\w+#])|[a-z]\.[a-z]|_|/|,? not |,? instead|\brather than\b|\bonly\b))"
# "the staging box is called kestrel": a name may be written without its capital.
_NAMED = r"(?=(?:the|this|that|his|her|their) [\w' -]{2,60}? (?:is|are|was)(?: now| also)? (?:called|named|known as|hosted|stored|kept|located|deployed|pinned|frozen|due|owned by|set to)\s+\S)"
_HENCEFORTH = r"(?:from now on|from here on|going forward|from today(?: on)?|as of (?:today|now)|starting (?:today|now|next \w+)|in (?:the )?future)\s*,?\s+"

BRIEF = re.compile(
    rf"{_HENCEFORTH}(?:please |always |only |we |i |we'll |we will )*(?:use|run)\b (?!(?:{_POINTS})\b)", re.IGNORECASE
)
"""What says enough with one telling word: "from now on use pnpm"."""

CORRECTS = re.compile(
    rf"(?:please )?(?:(?:(?:always|never) {_WORK}|don't|do not|use|keep|run|put|call|name|write|make|stop)\b(?! (?:it|that|this|mind)\b)"
    rf"|(?:it|that|this|they)(?:'s| is|'re| are| was| should be| runs| listens| lives| uses)\s+{_SPECIFIC}"
    rf"|(?:we|i)(?:'re|'ve|'m| are| have)? (?:use|prefer|switched|moved|decided|run|meant|said|live|work|want|don't|do not|no longer|never|now|on)\b"
    rf"|(?:my|our|the) [\w -]{{2,40}} (?:is|are|was|should|uses?|runs?|lives?|listens?)\b)",
    re.IGNORECASE,
)

WORDINGS = (
    _words(
        "fact",
        r"(?:please |can you )?(?:remember|keep in mind|bear in mind|note|don't forget|do not forget|make a note|for future reference|take note)"
        r"(?:\s*[,:]|\s+that|\s+this:|\s+(?=(?:i|i'm|my|we|our|the)\b)|(?<!forget)\s+(?=to\b))\s*"
        r"(?!(?:when|time|day|night|moment|those|these|how|what|you|your|we (?:went|had|were|did|saw|met)|the (?:time|day|night|moment|first|last|good)|to (?:be|take care|have|enjoy|keep|stay|breathe|love|believe|relax|rest|smile|focus on your)\b|i'm (?:here|always)|that time)\b|.{0,200}\b(?:your(?:self|selves)?|believe)\b)"
        rf"(?:(?=(?:i|i'm|i've|my|we|we're|our|to)\b)|{_NAMED}|{_SPECIFIC})\S",
        plain=True,
    ),
    _words(
        "fact",
        r"(?:my name is|call me|i'm called|i go by|people call me|my (?:pronouns|full name|nickname) (?:is|are))\s+(?!if|when|back|later|old|crazy|tomorrow|a\b|an\b)\S",
        plain=True,
    ),
    _words(
        "preference",
        rf"{_HENCEFORTH}(?=i(?:'d| would)? {_OFTEN}(?:prefer|favou?r|rather|like|love|enjoy|hate|dislike|want|can't stand|don't (?:like|want))\b)"
        rf"i\S* {_OFTEN}\S+\s+(?!(?:{_POINTS}|to see|to hear|to know)\b)\S",
        plain=True,
    ),
    _words(
        "decision",
        rf"{_HENCEFORTH}"
        r"(?!(?:it|that|this|you'll|there|he|she|they|things|life)\b)\S",
        plain=True,
    ),
    _words(
        "decision",
        r"(?:(?:today|yesterday|this week|last week|in the end|after (?:some|a lot of|much) (?:thought|discussion),?|finally),?\s+)?"
        r"(?:we|i|the team|our team|my team|my \w+ and i)(?:'ve| have|'re| are| had)?\s+(?:now |all |finally |already |just |both |recently |also |since )?"
        rf"(?:decided (?:to|on|against|that|not to|we|i)|agreed (?:to|on|that|not to)|settled on|opted (?:for|to|not to)|standardi[sz](?:ed|ing) on|chose(?:n)? (?:not to|\w+ over)|committed to|"
        rf"(?:picked|chose|selected) (?!(?:{_POINTS}|to|a|an|my|up|out)\b)\S+(?: \S+){{0,4}} (?:over|as our|as the|for our)|going with|went with|sticking with|switch(?:ed|ing) (?:from|to|over to)|migrat(?:ed|ing) (?:from|to)|mov(?:ed|ing) (?:from .{{1,60}} to|over to)|adopt(?:ed|ing)|dropp(?:ed|ing) (?:support|the)|"
        rf"no longer (?:use|using|support|do|run|need|want|eat|drink|work|deploy))\s+(?!{_POINTS}\b[.! ]*$)\S",
    ),
    _words(
        "decision",
        rf"let's (?:go with|stick (?:with|to)|use|switch to|adopt|standardi[sz]e on|settle on|move to|drop|target|default to|call (?:it|the \w+) (?=[`A-Z\"]))\s+(?!(?:{_POINTS}|more|some|an? (?:different|simple|simpler|new|few|smaller|similar|basic|concrete))\b)\S",
    ),
    _words(
        "decision",
        r"(?:the|our|my) (?:decision|final decision|agreement|plan of record|verdict) (?:is|was)(?: to| that|:)?\s+(?!not easy|hard|up to|yours|mine|final)\S",
    ),
    _words(
        "decision",
        rf"we(?:'ll| will) (?:use|go with|stick (?:with|to)|deploy|ship|release|support|host|keep using|target|standardi[sz]e on|store|name|call)\s+(?!(?:{_POINTS})\b)\S",
    ),
    _words(
        "preference",
        rf"(?:please )?(?:always|never|don't ever|do not ever)\s+(?:again )?{_WORK}\b(?! (?:it|that|this|them)[.!]*$)(?! (?:about yourself|your best|you down|go of|me down))",
        plain=True,
    ),
    _words(
        "preference",
        r"(?:please )?(?:stop|quit|avoid)\s+(?:using|adding|writing|putting|asking|suggesting|recommending|mentioning|creating|explaining|calling|running|committing|apologi[sz]ing|repeating|giving|sending|including|summari[sz]ing|wrapping|mocking|generating)\b(?! (?:it|that|this|them|yourself)\b)",
    ),
    _words(
        "preference",
        r"(?:please )?(?:use|prefer|write|format|put|keep|answer|reply|respond|run|name|call|indent|deploy|don't use|do not use|don't|do not|make|store|commit|test)\b(?! (?:it|that|this|them|me|the (?:following|above|attached|code|file))\b)"
        r".{1,200}(?:\b(?:instead of|rather than|over)\b (?!the (?:weekend|past|last|years))|,? not (?!sure|only|just|yet|that)\w|\bin (?:this|our|the|all|every|my) (?:repo(?:sitory)?|project|codebase|company|team|projects|repos|sessions?|replies|answers|future)\b|\b(?:every time|each time|whenever|unless i (?:say|ask|tell))\b)",
    ),
    _words(
        "preference",
        rf"(?!.*\b(?:it|this|that|them|these|those|for now|today)\b)(?:please )?(?:don't|do not|never|stop) (?:use|using|write|writing|run|running|call|calling|name|put|say)\b (?!(?:{_POINTS})\b)[^,;]{{2,80}}[,;]\s*"
        rf"(?:but |just |always |please |rather |instead |instead,? )?(?:use|write|run|call|name|put|say|go with|stick (?:to|with))\b (?!(?:{_POINTS})\b)\S",
        plain=True,
    ),
    _words(
        "preference",
        r"(?:please )?(?:always|whenever|when|every time|each time|any time|anytime) (?:i|we|you) (?:ask|say|write|mention|request|give|send|commit|push|open|create|answer|respond|reply|explain|provide|show|discuss|talk)\b.{3,200}?(?:,|\b(?:please|always|include|provide|use|give|reply|respond|answer|show|add|keep|never)\b)(?! (?:i|it|we) (?:feel|was|love))\s*\S",
        plain=True,
    ),
    _words(
        "preference",
        r"(?:in|for) (?:this|our|all|every|my) (?:repo(?:sitory)?|project|codebase|team|company|projects|repos|code|services?|work)s?,?\s+(?:please )?(?:we |i |always |never |don't |do not |only )+(?!\w*(?:want to|need to|am|'m|tr(?:y|ied)|are (?:trying|working)|have to))\S",
        plain=True,
    ),
    _words(
        "preference",
        rf"i(?:'d| would)? {_OFTEN}(?:prefer|favou?r|'d rather|would rather|rather)\s+(?!(?:{_POINTS}|to (?:do|use|see|try|have) (?:it|that|this)|not to (?:say|answer))\b)\S",
        plain=True,
    ),
    _words("preference", r"i'd rather\s+(?!(?:not|be|it|that|this|you)\b)\S"),
    _words(
        "preference",
        r"(?:my|our) (?:favou?rite|preferred|go-to|default|usual|least favou?rite|all-time favou?rite)(?:\s+[\w'-]+){1,6} (?:is|are|has always been|would be)\s+(?!(?:how|when|what|that|this|it|the (?:one|way|fact)|you|just|so|probably|definitely)\b)\S",
        plain=True,
    ),
    _words(
        "preference",
        rf"i (?!'d){_OFTEN}(?:like|love|enjoy|hate|dislike|despise|detest|adore|can't stand|cannot stand|don't like|do not like|don't enjoy|avoid|am into|am not a fan of|am a (?:big |huge |massive )?fan of)\s+(?!(?:{_POINTS}|to (?:see|hear|know|think|say|help|learn|get|go|try|check|be|do|join|come)|it|being|having|getting|a (?:good|nice|great)|some|everything|everyone|my (?:life|time|job))\b|the (?-i:[a-z])|.{{0,80}}\b(?:them|him|this|these|those|his|their)\b|.{{0,80}}\b(?:to|of|in|at|on|with|for|about|from) that\b)\S",
    ),
    _words(
        "preference",
        r"i'm (?:not |also |really )?(?:a (?:big |huge |massive |real )?fan of|into|allergic to|intolerant to|averse to|partial to)\s+(?!(?:it|this|that|these|those|them|you|your|the idea)\b)\S",
    ),
    _words(
        "preference",
        rf"i (?:always|never|usually|typically|normally|only|mostly|don't) (?:use|write|eat|drink|work|code|commit|deploy|test|run|read|travel|fly|buy|wear|cook|listen|watch|take|start|wake|sleep|avoid|prefer|order|shop|pay|reply|check|drive|stay)\s+(?!(?:{_POINTS})\b)\S",
    ),
    _words(
        "fact",
        r"i(?:'m| am) (?:also |currently |now )?(?:allergic to|lactose|gluten|vegan|vegetarian|diabetic|colou?r-?blind|left-handed|dyslexic|based in|from|originally from|married|divorced|single|retired|pregnant|"
        r"an? (?:[\w'-]+ ){0,4}(?:engineer|developer|programmer|designer|scientist|teacher|nurse|doctor|student|manager|lawyer|writer|artist|musician|analyst|architect|researcher|professor|consultant|freelancer|founder|accountant|editor|chef|producer|director|administrator|photographer|therapist|counsel+or|electrician|mechanic|pilot|vegetarian|vegan)\b)(?! (?:you|it|this|that))",
    ),
    _words(
        "fact",
        r"i (?:live|work|study|grew up|was born|teach|volunteer)(?: (?:remotely|full[- ]time|part[- ]time|mostly|mainly))? (?:in|at|for|as|on|near|with|from)\s+(?!(?:it|this|that|them|you|your|the (?:same|moment)|my own|peace|progress|improving|making|getting)\b)\S",
    ),
    _words(
        "fact",
        rf"(?:my|our) {_KIN}(?:'s (?:name|birthday|age|job|office|school))?(?:,? [A-Z]\w+,?)? (?:is|are|'s|will be|was born|works|lives|has)\s+(?!(?:so|very|really|just|to|the (?:best|worst|most)|always|also|not|going|getting|doing|being|a (?:lot|bit|great|huge|blast|joy|mess)|an? (?:important|amazing)|like|been|seen|our|become|great|good|awesome|amazing|happy|proud|excited|fine|safe|everything|such|loving|feeling|growing|all|my)\b)\S",
    ),
    _words(
        "fact",
        rf"(?:we|our team|our company|my team|my company) (?:always |never |only |all |currently |now |mostly |still |don't |do not )*(?:use|run|deploy|host|write|target|support|release|ship|store|keep|follow|require|log|code|squash|rebase|sign|pin|test|work (?:in|with|from|remotely)|meet|bill|pay|track)\s+(?!(?:{_POINTS}|to|some|a lot|more)\b){_SPECIFIC}\S",
    ),
    _words(
        "fact",
        rf"our (?:[\w-]+ )?{_THINGS} {_PREDICATE}\s+(?!(?:{_POINTS}|not working|broken|failing|slow|down|great|good|so|very|really|going|getting|still|also|just|to)\b){_SPECIFIC}\S",
    ),
    _words(
        "fact",
        rf"the (?:[\w-]+ ){{0,2}}{_THINGS} (?:always |only |now |also )?(?:lives?|runs? on|listens?|is (?:at|on|in|called|named|hosted|pinned|frozen|deployed|written|protected|located|set to|due)|are (?:at|on|in|called|named|hosted|stored|kept|written|deployed|frozen|due)|must|uses?)\s+(?!(?:{_POINTS}|fire|error|place|order|progress|use|the way)\b){_SPECIFIC}\S",
    ),
    _words(
        "fact",
        r"i (?:use|run|code in|own|drive|have (?:an? |two |three |four |\d+ )(?:[\w-]+ )?(?:dogs?|cats?|kids?|children|sons?|daughters?|brothers?|sisters?|siblings?|allerg\w+))(?: [A-Z]\w+| `?\w+|\b)(?<!use it)(?<!use this)(?<!use that)(?<!use the)(?<!use your)(?<!use my)"
        + rf"{_SPECIFIC}",
    ),
)
