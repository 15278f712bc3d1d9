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
    r"|\b(?:giv(?:e|ing)|gave|try(?:ing)?|tried) (?:it|them|this|that|these|those)\b|\[redacted: |[?]",
    re.IGNORECASE,
)
# Pointing words that only the conversation around them resolves.
_POINTS = r"(?:it|this|that|these|those|them|they|him|her|you|your|how|what|when|where|seeing|hearing|knowing|the (?:idea|way|look|sound|fact|first|second|third|last|other|latter|former|one|thought|vibe|energy)|option|both|either|all (?:of )?(?:it|that|this|these|those))"
_OFTEN = r"(?:(?:really|also|always|usually|generally|strongly|personally|definitely|mostly|typically|normally|still|much|actually|absolutely|truly|just|both|do|strictly|adamantly|exclusively|greatly|largely|particularly|only|firmly|thoroughly|completely)\s+){0,3}"
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
_PLACED = (
    r"(?:all |every |each )?(?:our |the |api |unit )?(?:tests?|deploys?|deployments?|releases?|commits?|commit messages?|migrations?|branch(?:es)?|prs?|pull requests?|logs?|docs|stand-?ups?|"
    r"secrets?|fixtures|configs?|dates?|times?|prices?|amounts?|responses?|endpoints?|names?|variables?|functions?|docstrings?|comments?|ids?) "
    r"(?:always |only |never |now )?(?:go|goes|live|lives|belongs?|happens?|(?:must|should) (?:be|have|go|use|follow|start|end|not)) "
    rf"(?!(?:{_POINTS}|fine|ok|okay|good|enough|easy|possible|able|here|there|well)\b)"
)
_HENCEFORTH = r"(?:from now on|from here on|going forward|from today(?: on)?|as of (?:today|now)|starting (?:today|now|next \w+)|in (?:the )?future)\s*,?\s+"

_DIET = r"(?:vegan|vegetarian|pescatarian|diabetic|colou?r-?blind|left-handed|dyslexic|lactose intolerant)"
_WE_USE = rf"we (?:only |always |all |now )?use (?!(?:{_POINTS}|to|a|an|the|some|more|lots|much|many|our|my|all|both)\b)[\w.+#-]+(?: (?:here|now|in (?:this|our|the) \w+|for (?!{_POINTS}\b)\w+(?: \w+)?))?[.!]*$"

BRIEF = re.compile(
    rf"{_HENCEFORTH}(?:please |always |only |we |i |we'll |we will )*(?:use|run)\b (?!(?:{_POINTS})\b)"
    rf"|i(?:'m| am) (?:also |an? )?{_DIET}|i(?:'m| am) on (?-i:[A-Z]|mac)|{_WE_USE}",
    re.IGNORECASE,
)
"""What says enough with one telling word: "from now on use pnpm"."""

PASSING = re.compile(
    r"(?:the|my|our|this|that) (?:[\w-]+ ){0,2}?(?:errors?|tests?|builds?|outputs?|results?|screens?|pages?|issues?|problems?|bugs?|lines?|messages?|"
    r"responses?|answers?|buttons?|images?|pictures?|plots?|charts?|scripts?|commands?|functions?|warnings?|exceptions?|logs?|code|first|second|third|last|other|next|one|same|"
    r"thing|question|point|idea|button|colou?r|window|terminal|app|site)(?: one)? (?:is|are|was|were|isn't|aren't|still|now|should|keeps?)\b"
    r"|\b(?:failing|fails|broken|crash(?:es|ed|ing)|not working|doesn't work|don't work|still (?:get|see|there|not|have)|try again|undefined|hangs|stuck)\b"
    r"|\b(?:it|that|this|them|those|these|(?:other|second|first|last|next|this|that|wrong|right) one)[.!]*$|\bline \d",
    re.IGNORECASE,
)
"""What is said against an answer and is over with it: "the test is failing", "I don't want that"."""

CORRECTS = re.compile(
    rf"(?:please )?(?:(?:(?:always|never) {_WORK}|don't|do not|use|keep|run|put|call|name|write|make|stop)\b(?! (?:it|that|this|mind)\b)"
    rf"|(?:it|that|this|they)(?:'s| is|'re| are| was| should be| runs| listens| lives| uses)\s+{_SPECIFIC}"
    rf"|(?:we|i)(?:'re|'ve|'m| are| have)? (?:use|prefer|switched|moved|decided|run|meant|said|live|work|want|don't|do not|no longer|never|now|on)\b"
    rf"|(?:my|our|the) [\w -]{{2,40}} (?:is|are|was|should|uses?|runs?|lives?|listens?)\b|{_PLACED})",
    re.IGNORECASE,
)

WORDINGS = (
    _words(
        "preference",
        rf"i have (?:an? |no )?(?:(?:very|really|particularly|quite|rather) )?(?:(?:strong|severe|acute|extreme|intense|deep|deep-seated|mild|serious|bad|big|huge|slight|lifelong) )*"
        rf"(?:(?:aversion to|dislike (?:of|for)|distaste for|preference for|phobia of|fear of|bias against|hatred of|interest in|passion for|weakness for|soft spot for|allergy to|allergies to|intolerance (?:to|of)|sensitivity to)\s+(?!(?:{_POINTS})\b)\S"
        r"|(?:(?!(?:about|on|of|with|for|the|some|any|question|idea)\b)[\w-]+ ){1,2}(?:allerg(?:y|ies)|intolerance|phobia)\b|(?:celiac|coeliac|asthma|diabetes|migraines|insomnia|adhd|dyslexia|arthritis)\b)",
        plain=True,
    ),
    _words(
        "preference",
        rf"i (?:refuse to|will not|cannot|can't|do not|don't) {_OFTEN}(?:eat|drink|wear|consume|tolerate|digest|ride|smoke) (?!(?:{_POINTS}|much|anything|any more|anymore|a lot|well)\b)\S",
    ),
    _words(
        "preference",
        rf"i(?:'m| am) {_OFTEN}(?:very |quite |so )?(?:not (?:very |really )?)?(?:un)?comfortable (?:with|in|around) (?!(?:{_POINTS}|your|our|my)\b)\S"
        rf"|i(?:'m| am) {_OFTEN}(?:very |quite )?(?:not )?(?:against|afraid of|terrified of|scared of|fascinated by|passionate about|obsessed with|fond of|sensitive to) (?!(?:{_POINTS}|your|our|my|what|being|losing|making|doing|getting)\b)\S",
    ),
    _words(
        "preference",
        rf"i {_OFTEN}(?:follow|keep to|stick to|adhere to|maintain) an? (?:[\w-]+ ){{0,4}}(?:diet|lifestyle|regimen|schedule|routine|budget)\b",
        plain=True,
    ),
    _words(
        "preference", rf"i {_OFTEN}(?:learn|work|focus|study|sleep|concentrate) best (?!(?:{_POINTS})\b)\S", plain=True
    ),
    _words(
        "preference",
        rf"i (?:strictly|exclusively|only|adamantly) (?:want to |ever )?(?:buy|wear|watch|eat|drink|read|listen|play|own|use|drive|feed|shop|adopt|travel|stay) (?!(?:{_POINTS})\b)\S",
    ),
    _words("fact", rf"(?:{_WE_USE})", plain=True),
    _words(
        "fact",
        rf"we(?:'re| are) (?:also |now |still |all )?(?:on|using|running) (?!(?:{_POINTS}|my|our|the|a|an)\b)(?=[^,;]{{0,60}}(?-i:\b[A-Z])[^,;]{{0,40}}\d)\S",
        plain=True,
    ),
    _words(
        "fact",
        r"i(?:'m| am) on (?:an? )?(?-i:Mac|mac|Linux|Windows|Ubuntu|Debian|Fedora|Arch|NixOS|WSL|FreeBSD|Android|iOS)",
        plain=True,
    ),
    _words("fact", rf"i(?:'m| am) (?:also |an? )?{_DIET}\b(?! (?:you|it|this|that))", plain=True),
    _words(
        "fact",
        r"i(?:'m| am) (?:(?-i:[A-Z][a-z]+), an? (?!bit|little|lot)\S|(?:an? )?\d\d[- ]years?[- ]old\b|(?:an? )[\w' -]{3,50} from (?-i:[A-Z]))",
        plain=True,
    ),
    _words("fact", r"i (?:live|work|study|teach) (?:in|at|for) (?-i:[A-Z])", plain=True),
    _words("fact", r"i use (?:the )?(?-i:[A-Z]\w+)(?! (?:it|this|that)\b)", plain=True),
    _words(
        "fact",
        r"i(?:'ve| have) been (?!thinking|trying|wondering|considering|looking|struggling|having|feeling|meaning|waiting|worried|stuck|so|really|getting|hearing|told|asked)"
        r"(?!.*\b(?:it|this|that|them)\b).{3,80}?\b(?:for (?:over |about |nearly |almost |more than )?(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twenty) (?:years|months)|since (?:\d{4}|(?-i:[A-Z])))",
        plain=True,
    ),
    _words(
        "fact",
        rf"(?:this|our|the) (?:repo(?:sitory)?|project|codebase|monorepo|app|service|team|company) (?:only |always |now )?(?:uses|runs on|targets|requires|follows|is written in|is built with|deploys to|supports) (?!(?:{_POINTS}|a lot|the same|more)\b)\S",
        plain=True,
    ),
    _words("preference", rf"{_PLACED}{_SPECIFIC}\S"),
    _words(
        "preference",
        rf"(?:you (?:should|must)|i (?:want|need|expect|prefer|would like) you to|i'd (?:like|prefer|rather) (?:you to|that you|you)) (?:please )?(?:always|never|not|only) {_WORK}\b(?! (?:{_POINTS})\b)",
        plain=True,
    ),
    _words(
        "preference",
        rf"i(?:'d| would)? (?:like|want|prefer|need) you to (?:keep|answer|reply|respond|write|avoid|stop|call|address) (?!(?:{_POINTS}|an?|the|some)\b)\S",
    ),
    _words(
        "preference",
        rf"(?:please )?(?:don't|do not) (?:ever )?{_WORK}\b(?! (?:{_POINTS}|me)\b).{{3,120}}?\b(?:every|each|any ?more|ever|again|without (?:asking|my|telling|a )|unless)\b",
    ),
    _words(
        "preference",
        r"(?:please )?(?:write|format|keep|make|name|phrase) (?:all |your |our |the )?(?:git )?(?:commit messages?|commits|pr (?:titles?|descriptions?)|pull requests?|comments?|docstrings?|docs|documentation|answers|replies|responses|"
        r"tests|test names|variable names|branch names|summaries|explanations|changelogs?|changelog entries|release notes|emails) (?:in|as|with|without|short|brief|concise|under|below|to|like|using|after|lower-?case|small)\b(?! (?:this|that|the (?:following|above|attached))\b)",
        plain=True,
    ),
    _words(
        "preference",
        rf"for (?!(?:this|that|these|those|now|example|instance|the|today|me)\b)[\w-]+(?: [\w-]+){{0,2}}, (?:please |always |only |we )*(?:use|write|prefer|follow|run|keep)\b (?!(?:{_POINTS}|a|an)\b)\S",
    ),
    _words("decision", r"(?:final )?(?:decision|decided|agreed)(?: made)?: (?!(?:what|how|yes|no)\b)\S", plain=True),
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
        r"(?:please )?(?:use|prefer|write|format|put|keep|answer|reply|respond|run|name|call|indent|deploy|don't use|do not use|don't|do not|make|store|commit|test)\b(?! (?:it|that|this|them|me|the (?:following|above|attached|code|file|first|second|third|last|other|old|new|same))\b)"
        r".{1,200}(?:\b(?:instead of|rather than|over)\b (?!the (?:weekend|past|last|years))|,? not (?!sure|only|just|yet|that)\w|\bin (?:this|our|the|all|every|my) (?:repo(?:sitory)?|project|codebase|company|team|projects|repos|sessions?|replies|answers|future)\b|\b(?:every time|each time|whenever|unless i (?:say|ask|tell))\b)",
    ),
    _words(
        "preference",
        rf"(?!.*\b(?:it|this|that|them|these|those|for now|today)\b)(?:please )?(?:don't|do not|never|stop) (?:use|using|write|writing|run|running|call|calling|name|put|say)\b (?!(?:{_POINTS})\b)[^,;]{{2,80}}[,;]\s*"
        rf"(?:(?:but |just |always |please |rather |instead |instead,? )?(?:use|write|run|call|name|put|say|go with|stick (?:to|with))|always|rather)\b (?!(?:{_POINTS})\b)\S",
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
        rf"i (?!'d){_OFTEN}(?:like|love|enjoy|hate|dislike|despise|detest|loathe|adore|can't stand|cannot stand|don't like|do not like|don't enjoy|do not enjoy|avoid|am into|am not a fan of|am a (?:big |huge |massive )?fan of)\s+(?!(?:{_POINTS}|to (?:see|hear|know|think|say|help|learn|get|go|try|check|be|do|join|come)|it|being|having|getting|not|all the|a (?:good|nice|great)|some|everything|everyone|my (?:life|time|job)|to just|watching our)\b|the (?!(?:scent|smell|sound|taste|texture|color|colour|feel|look) of\b)(?-i:[a-z])|.{{0,80}}\b(?:them|him|this|these|those|his|their)\b|.{{0,80}}\b(?:to|of|in|at|on|with|for|about|from) that\b)\S",
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
