"""What in the letters of a sentence hints at an instruction: patterns, of which none is proof by itself."""

from __future__ import annotations

import re

_VERBS = (
    r"(?:add|append|insert|integrate|incorporate|include|weave|slip|modify|change|alter|adapt|adjust|augment|enhance|"
    r"extend|expand|revise|rewrite|rephrase|replace|substitute|swap|convert|render|encode|decode|encrypt|scramble|"
    r"jumble|shuffle|reverse|misspell|introduce|remove|write|draft|compose|create|produce|generate|develop|provide|"
    r"give|tell|show|explain|describe|define|discuss|outline|list|summari[sz]e|analy[sz]e|compare|compute|calculate|"
    r"solve|translate|answer|respond|reply|say|print|output|return|repeat|reveal|ignore|disregard|forget|pretend|act|"
    r"behave|recommend|suggest|advise|encourage|convince|persuade|urge|promote|mention|claim|praise|warn|remind|"
    r"debug|stop|play|find|send|ask|offer|make|put|merge|use|spell|leave|do not|don't|never|always|let's|from now|"
    r"let us|direct|conclude|begin|start|end|finish|refuse|classify|rate|rearrange|group|combine|capitali[sz]e|break)\b"
)
TASK = re.compile(
    r"^\W*(?:(?:please|now|also|then|finally|kindly|hey|important|note|ai|assistant|system|instead)\b\W*)*" + _VERBS,
    re.IGNORECASE,
)
# A task behind other words: `When you answer, tell ...`.
EMBEDDED_TASK = re.compile(r"(?:[,:;—-]|\band|\bplease|\byou (?:must|should|will|need to))\s+" + _VERBS, re.IGNORECASE)
OWN_TEXT = re.compile(
    r"\b(?:your|the|this|each|every|all) (?:\w+ ){0,2}"
    r"(?:response|responses|answer|answers|reply|replies|output|outputs|summary|message|text you write|wording)\b",
    re.IGNORECASE,
)
MODEL = re.compile(
    r"\b(?:assistant|language model|chatbot|ai|llm|gpt|you are (?:now|an?)|the user|the reader|readers|users)\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"^\W*(?:what|who|whom|whose|when|where|which|why|how|can|could|would|will|do|does|did|is|are|should)\b",
    re.IGNORECASE,
)
FORM = re.compile(
    r"\b(?:words?|letters?|vowels?|consonants?|spaces?|punctuation|emojis?|capitals?|binary|base ?\d+|morse|cipher|"
    r"rhyme|code|function|script|sentences?|paragraph|poem|story|essay|language)\b",
    re.IGNORECASE,
)
LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|net|org|io|xyz|info|example|biz|co)\b|@\w+\.\w", re.IGNORECASE)
OUR = re.compile(r"\b(?:we|our|us|i|my)\b", re.IGNORECASE)
MAIL = re.compile(
    r"\b(?:click|unsubscribe|log in|sign in|contact|call us|visit|reply to this|attached|invoice|receipt|order|payment|"
    r"account|shipping|delivery|refund|basket|subscription)\b",
    re.IGNORECASE,
)
# Said to whoever answers, or about answers: what no reader of a document is told.
ADDRESSES = re.compile(
    r"\byour (?:\w+ ){0,2}(?:response|responses|answer|answers|reply|replies|output|outputs|summary|message)\b"
    r"|\b(?:language model|chatbot|llm|gpt|as an ai|ai assistant|you are (?:now|no longer)|"
    r"from now on,? you (?:are|act|answer|reply|speak))\b"
    r"|^\W*(?:note to |attention,? )?(?:the )?(?:ai|assistant|system|language model|chatbot)\s*[:,]"
    r"|\bthe (?:assistant|model) (?:must|should|will|has to|is to)\b"
    r"|\b(?:tell|ask|advise|encourage|convince|warn|urge|direct|remind|inform|offer|promise|point)\b(?: that)?"
    r" (?:the )?(?:user(?! of)|customer|reader|whoever asks|anyone who asks|everyone who asks)\b"
    r"|(?:^\W*|[,;:—-]\s+|\b(?:and|please|now|also|must|should)\s+)(?:answer|respond|reply)\b[^.?!,]{0,30}"
    r"\b(?:only|with|in|as|by|nothing)\b"
    r"|\b(?:do not|don't|refuse to|stop) (?:answer|respond|reply)"
    r"|\b(?:whoever|anyone who|everyone who) (?:answers|replies|responds)\b",
    re.IGNORECASE,
)
ABOUT_ANSWERS = re.compile(
    r"\b(?:only|right|correct|all|any|every|each|good|no|that|the) (?:\w+ ){0,2}"
    r"(?:answers?|responses?|repl(?:y|ies))\b[^.?!]{0,60}\b(?:is|are|must|contains?|consists?|says?|ends?|begins?|be|mentions?)\b"
    r"|^\W*(?:correct|right|good|valid) (?:answers?|responses?|repl(?:y|ies))\b",
    re.IGNORECASE,
)
# In the other languages that documents here are often written in; what orders whoever answers, and little else.
OTHER_LANGUAGES = re.compile(
    r"\b(?:antworte(?:n sie)?|erwidere|schreibe?|sage?|gib|répond(?:s|ez|re)|écri(?:s|vez)|dis|dites|affiche[sz]?|"
    r"respond[ae]n?|contesta|escrib[ae]|diga|muestra|rispond[ai]|scrivi)\b[^.?!]{0,40}"
    r"\b(?:nur|ausschlie(?:ß|ss)lich|immer|nichts als|uniquement|seulement|exclusivement|toujours|rien que|solo|sólo|"
    r"solamente|únicamente|siempre|soltanto|sempre)\b"
    r"|\b(?:ignorieren? (?:sie )?|vergiss |vergessen sie |missachte |ignore[zs]? |oublie[zs]? |ignora |ignore |olvida |"
    r"dimentica )"
    r"[^.?!]{0,40}\b(?:anweisung(?:en)?|regeln|vorgaben|instructions?|consignes?|règles?|instrucciones|reglas|istruzioni|"
    r"regole)\b",
    re.IGNORECASE,
)
