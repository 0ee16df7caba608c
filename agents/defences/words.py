"""Small words: by them a text shows its language, and forms of them that are no typos."""

from __future__ import annotations

_CONTRACTED = """
    dont cant wont isnt wasnt arent werent didnt doesnt dosent hasnt havent hadnt couldnt wouldnt shouldnt aint im ive
    ill id youre youve theyre whats wheres hows thats theres its lets whos heres
"""
_FOREIGN = """
    der die das den dem des ein eine einen ich ist und nicht wie wann wo kann mein meine wir sie für mit auf von zu
    le les la des du une je est et ne pas où quand comment puis mon ma mes vous pour avec dans sur que qui en il
    el los las uno una mi es y no cómo dónde cuándo puedo para con por qué como un del de
    het een ik is en niet hoe waar wanneer kan mijn wij voor met op van te bij jullie naar dat hoi
    il lo gli uno io è e non come dove quando posso mio per con su che di
    o os uma eu não onde quando posso meu para com por em
"""
_ENGLISH = """
    the a of in on at to for by with from and or but is are was were be do does did can could will would should have
    has had i my me you your we it this that what when where how who which why if not no any please so am
"""
_SMALL = """
    after again all also always another any as back because been before being between both did down during each else
    ever every few first get gets getting give go goes going got had has he her here hers him his if into it's itself
    just least less let like made make many may me might more most much must need needs never new next no nor now off
    old once one only other our out over own put same shall she since some soon still such take than thanks thank that
    their them then there these they thing those through till times today tomorrow too two under until up us use used
    very want wants was way well went were while whom whose within without yes yet yours mine ours hi hello dear
    about above across against along around behind below beside beyond despite except inside instead near outside per
    someone somebody something anyone anybody anything everyone everybody everything nobody nothing
"""
# As many write them, without their apostrophe.
CONTRACTED = frozenset(_CONTRACTED.split())
FOREIGN = frozenset(_FOREIGN.split())
ENGLISH = frozenset(_ENGLISH.split())
SMALL = frozenset(_SMALL.split())
