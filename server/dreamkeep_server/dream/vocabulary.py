"""The English words that the rules of a dream know: small closed lists, with no rule in them."""

from dreamkeep_server.english import NUMBER_WORDS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _both_ways(text: str) -> dict[str, frozenset[str]]:
    """Return `{a: {b}, b: {a}}` for `a/b`."""
    found: dict[str, frozenset[str]] = {}
    for pair in text.split():
        left, right = pair.split("/")
        found[left] = found.get(left, frozenset()) | {right}
        found[right] = found.get(right, frozenset()) | {left}
    return found


def _one_way(text: str) -> dict[str, str]:
    """Return `{a: b}` for `a/b`."""
    pairs = (pair.partition("/") for pair in text.split())
    return {left: right for left, _, right in pairs}


WRITTEN_OUT = NUMBER_WORDS | _one_way(
    """
    jan/january feb/february mar/march apr/april jun/june jul/july aug/august sep/september sept/september
    oct/october nov/november dec/december mon/monday tue/tuesday tues/tuesday wed/wednesday thu/thursday
    thurs/thursday fri/friday
    """
)
"""Words that are written in several ways, as one of them."""

VERB_FORMS = _one_way(
    """
    met/meet went/go gone/go took/take taken/take wrote/write written/write made/make gave/give given/give
    bought/buy sold/sell sent/send spent/spend built/build ran/run saw/see seen/see did/do done/do ate/eat
    eaten/eat drank/drink drunk/drink drove/drive driven/drive flew/fly flown/fly spoke/speak spoken/speak
    taught/teach thought/think told/tell found/find left/leave lost/lose paid/pay kept/keep held/hold heard/hear
    led/lead began/begin begun/begin broke/break broken/break chose/choose chosen/choose came/come felt/feel
    got/get gotten/get knew/know known/know rode/ride ridden/ride slept/sleep swam/swim won/win wore/wear
    worn/wear understood/understand learnt/learn caught/catch brought/bring sang/sing sung/sing drew/draw
    drawn/draw grew/grow grown/grow threw/throw thrown/throw fell/fall fallen/fall lent/lend
    """
)
"""Past forms of verbs that no ending tells, with the verb."""

INDEFINITE = _words(
    "someone somebody something anyone anybody anything everyone everybody everything nobody nothing people"
)
"""Words for whoever or whatever it is: never a name, even where they begin a sentence."""

STOP_WORDS = _words(
    """
    a an the this that these those and or but of to in on at by for from with as is are was were be
    been being am it its he she they them his her their i my me we our us you your user users do
    does did has have had having will would can could should may might must shall so than then there
    here also just very too which who whom what when where while how into onto about over up out
    some any such other another each if because s t
    """
)
"""Words that say nothing about what a text is about."""

NEGATIONS = _words(
    """
    no not never none nobody nothing without cannot nor neither nowhere hardly no-one noone longer
    anymore stopped formerly previously unlike refuses refused quit
    """
)
"""Words that deny; those that end in n't do too."""

QUANTIFIERS = {
    word: kind
    for kind, words in {
        "all": "all every always everyone everybody everything entire whole",
        "most": "most mostly usually often generally",
        "few": "few rarely seldom sometimes occasionally",
        "only": "only solely exclusively",
        "many": "many several numerous",
        "half": "half",
        "both": "both",
        "at least": "least minimum",
        "at most": "maximum",
        "all but": "except",
    }.items()
    for word in words.split()
}
"""Words of quantity, with the kind of quantity that they speak of."""

OPPOSITES = _both_ways(
    """
    like/dislike love/hate like/hate love/dislike enjoy/hate enjoy/dislike enjoy/avoid like/avoid
    love/avoid prefer/avoid enable/disable enabled/disabled on/off true/false yes/no allow/deny
    allow/forbid allowed/forbidden allow/block include/exclude before/after above/below
    increase/decrease rose/fell rise/fall gain/lose up/down left/right open/close opened/closed
    opening/closing open/closed start/stop add/remove added/removed with/without light/dark
    first/last minimum/maximum min/max public/private old/new empty/full in/out male/female
    man/woman men/women boy/girl accept/reject accepted/rejected win/lose won/lost buy/sell
    bought/sold more/less higher/lower larger/smaller big/small large/small long/short hot/cold
    wet/dry young/old fast/slow happy/sad possible/impossible valid/invalid safe/unsafe
    stable/unstable required/optional success/failure succeed/fail passed/failed pass/fail
    online/offline internal/external local/remote sync/async morning/evening day/night near/far
    early/late inside/outside front/back upper/lower top/bottom black/white standing/sitting
    sit/stand ascending/descending read/write lock/unlock locked/unlocked visible/hidden
    married/single vegetarian/meat alive/dead guilty/innocent approve/reject approved/rejected
    support/oppose agree/disagree trust/distrust always/never sometimes/never manual/automatic
    manually/automatically staging/production development/production client/server input/output
    source/target north/south east/west tabs/spaces am/pm into/out onto/off push/pull raise/lower raising/lowering
    import/export upload/download encrypt/decrypt attach/detach expand/collapse show/hide shown/hidden
    incoming/outgoing inbound/outbound lend/borrow arrive/leave enter/exit gather/scatter huge/small huge/tiny
    big/little clean/dirty close/far brother/sister son/daughter father/mother husband/wife
    buyer/seller start/end begin/end sender/receiver strong/weak loud/quiet deep/shallow thick/thin
    """
)
"""Words that say the contrary of each other."""

EXCLUSIVE = _both_ways(
    """
    on/off true/false yes/no enabled/disabled allowed/forbidden allowed/blocked open/closed public/private light/dark
    manual/automatic up/down online/offline locked/unlocked visible/hidden shown/hidden required/optional valid/invalid
    safe/unsafe stable/unstable possible/impossible empty/full accepted/rejected approved/rejected passed/failed
    tabs/spaces ascending/descending sync/async synchronous/asynchronous married/single morning/evening hot/cold
    """
)
"""Of the opposites, those of which one holds at a time; a thing can be in staging and in production."""

STATE_VERBS = _words(
    """
    is are am runs run uses use has have prefers prefer stays stay defaults default lives live listens listen
    takes take costs cost lasts last starts start begins begin ends end opens open closes close expires expire points
    point needs need requires require weighs weigh sits sit
    """
)
"""Verbs that say how something is, not what happened once."""

SAID_ELSEWHERE = _words(
    "there it this that these those they he she here which what who everything something nothing people"
)
"""Subjects of which only the text around tells what they are."""

NOT_BEFORE_VALUE = _words("of by with for from and or about than between until since")
"""Words behind which no value of the subject stands: "is the author of"."""

LABELLED_BY_NUMBER = _words(
    """
    room issue ticket task bug story pr case release version chapter page section part order number no line item floor
    level building gate house unit route table figure season episode sprint step phase day week lesson exercise shift
    """
)
"""What a number behind it names one of many, rather than says how much."""

SAYING_NOW = _words("now currently instead nowadays meanwhile")
"""Words that say that it is so now, and nothing else."""

NEGATING = ("un", "dis", "non", "non-", "in", "de", "mis")
"""What makes a word its contrary: fold and unfold, valid and invalid."""

MONTHS_AND_DAYS = _words(
    """
    january february march april june july august september october november december monday tuesday
    wednesday thursday friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec mon
    tue wed thu fri today yesterday tomorrow tonight
    """
)
"""Words that name a date, however they are written."""

FUNCTIONAL = _words(
    """
    port branch manager version name surname nickname email e-mail address phone timezone zone
    locale language theme editor ide shell os birthday birthdate age color deadline url host
    hostname domain path directory folder endpoint region timeout limit size threshold interval
    frequency retries workers replicas concurrency budget price salary title role employer owner
    lead maintainer assignee license database framework runner linter formatter bundler compiler
    interpreter engine driver registry remote image tag width height font indentation encoding
    license model provider backend frontend cluster namespace bucket schema username login id key
    level mode status priority milestone sprint cap quota ttl ratio count number length weight
    capital president ceo cto director boss doctor dentist spouse wife husband partner pronouns
    currency breakpoint strategy policy format standard convention scheduler orchestrator ci
    keyboard browser terminal
    """
)
"""Attributes that have one value at a time."""

AT_ONCE = _words(
    """
    port email e-mail address phone url domain endpoint host hostname username login nickname language
    """
)
"""Of the attributes, those that often have one value, and may well have several at once."""

SEVERAL = _words(
    """
    friend colleague coworker neighbor neighbour brother sister sibling son daughter child kid cousin
    uncle aunt niece nephew grandson granddaughter dog cat pet hobby interest goal part member
    example one side customer client user product project song book movie film game show dish place
    problem issue reason thing idea
    """
)
"""Attributes of which somebody has several at once."""

UNCLEAR_IN_SUBJECT = _words(
    """
    if when unless while because once after before where that which who whose and or but not no
    never old previous former another some any each every most note todo warning maybe perhaps
    probably think thinks said says told heard believes claims want wants wanted would should could
    might may will in on at during until since for with a an
    """
)
"""Words that make a subject indefinite, conditional or somebody else's claim."""

UNCLEAR_IN_VALUE = _words(
    """
    in on at during until since for with when if unless except while under by because only sometimes
    usually and or but also either both not no never maybe perhaps probably was were currently
    temporarily today tomorrow yesterday between from about around roughly approximately unknown
    unclear undecided tbd like than as instead again
    """
)
"""Words that make a value partial, conditional, several or unsure."""

JOINTS = _words(
    """
    a an the my our your their his its and or but nor because than as if unless until while whether of to at by
    for from with without into onto over under about between against during through via per toward towards
    """
)
"""Words that another one has to follow: articles, prepositions, conjunctions."""

JOINTS_OR_PARTICLES = _words("in on up off out down")
"""Words that another one mostly has to follow: not in "keep strict mode on"."""

LIMITS = (
    UNCLEAR_IN_VALUE
    | MONTHS_AND_DAYS
    | _words(
        """
        this next last each every week weeks month months weekend weekends trial experiment partly partially
        mostly mainly through throughout till within where new part-time
        """
    )
)
"""Words that limit a change to a time, a place or a purpose."""

LINKS = _words(
    """
    is are uses use using likes like loves prefers prefer drinks eats plays runs run on in at to
    lives works the its hosted deployed deploys based as with drives speaks writes reads attends
    owns for package manager editor
    """
)
"""Words that may stand between a subject and a value that was announced to have ended."""
