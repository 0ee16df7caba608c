"""Words that sentence splitting and BM25 treat specially: data, no rules.

Abbreviations come from English, German, French, Spanish, Dutch and the Nordic languages; stop words are English.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that carry a full stop and never end a sentence.
NEVER_LAST = words("e.g eg i.e ie viz vs cf z.b d.h u.a bzw bspw p.ej")
# Abbreviations only when written with a capital letter: "Sat." but not "he sat."
TITLES = words(
    "dr mr mrs ms mx prof rev gen sen rep gov capt cpt lt col sgt cmdr hon pres supt messrs mme mlle mgr "
    "dipl ing hr fr sra srta dra dna ds drs ir"
)
CAPITALISED = words(
    "st mt ft inc ltd co corp bros jr sr esq dept univ assn ave blvd rd ln hwy sq bldg apt "
    "jan feb febr mar apr jun jul aug sep sept oct okt nov dec dez mon tue tues wed thu thur thurs fri sat sun "
    "str bd jh jhd ed eds fig figs eq sec sect ch chap vol vols gmbh mio mrd tsd bv nv sa ag pty govt"
)
ABBREVIATIONS = words(
    "etc llc plc cent al approx ca figs eqs vols pp pg nos nrs transl repr orig resp incl excl usw usf evtl ggf inkl "
    "exkl zzgl vgl geb gest env ej pág págs avda núm a.m p.m b.c a.d ph.d"
)
NUMBERED = words(
    "no nos nr nrs num n° nº fig figs eq eqs sec sect ch chap vol vols p pp pg art arts par paras abs kap tab tbl app "
    "ver v bd ca approx c str tel ext st pt cl apt abb ziff rn s f ff"
)
STARTERS = words(
    "The This That These Those It He She They We You A An In On At For But And Or So However If When While After "
    "Before There Here His Her Their Its Our My Your As By From To With What Who Why How Where Which Is Are Was Were "
    "Do Does Did Can Could Please Then Thus Also Although Because Since Some Many Most All Both Each Such Today Now "
    "Not Yes Only Once Every Any Another Other During Under Over About Between Through Until Unless Instead "
    "Otherwise Moreover Furthermore Meanwhile Later Finally First Second Third Its One Two Three "
    "Der Die Das Den Dem Ein Eine Einen Es Er Sie Wir Ihr Wenn Nach Bei Für Mit Auf Im Am Zu Aber Und Auch Diese "
    "Dieser Dieses Le La Les Un Une Il Elle Ils Elles Nous Vous On Ce Cette Ces Dans Pour Mais Et En Avec Après "
    "El Los Las Una Uno En Se Su Sus Por Para Con Pero Y Este Esta Estos Al Cuando Si Het De Een Dit Dat Deze Als Bij "
    "Lo Gli I Il Nel Nella O Os As Um Uma Não Det Den De En Et Som Men"
) - {"I", "Y", "O"}
AFTER_ORDINAL = words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert "
    "jahrhunderts jahrhunderte weltkrieg weltkriegs jh januari februari maart mei augustus oktober december "
    "januar februar mars juni juli desember leden únor stycznia lutego marca kwietnia maja czerwca lipca sierpnia "
    "września października listopada grudnia kapitel abschnitt klasse etage stock geburtstag auflage"
)

# Left out of BM25: they occur everywhere and say nothing.
STOP_WORDS = words(
    """
    a about am an and any are as at be because been being but by can could did do does doing for from had has have
    having he her here hers him his how i if in into is it its itself just me more most my of on or our ours she so
    some such than that the their theirs them then there these they this those to too very was we were what when
    where which while who whom why will with would you your yours
    """
)
