"""English plurals: rules and the exceptions that services have words for; `--plural` has the last word.

A library for it costs every service three packages more; a plural that is wrong here costs one option.
"""

import re

__all__ = ["plural_of", "singular_of"]

_SAME = {
    *("advice", "aircraft", "data", "deer", "equipment", "feedback", "fish", "furniture"),
    *("hardware", "homework", "information", "knowledge", "luggage", "metadata", "money", "news"),
    *("offspring", "progress", "research", "series", "sheep", "software", "species", "staff"),
    *("stuff", "traffic"),
}
_IRREGULAR = {
    **dict(
        pair.split(":")
        for pair in [
            "child:children",
            "criterion:criteria",
            "datum:data",
            "die:dice",
            "foot:feet",
            "goose:geese",
            "man:men",
            "matrix:matrices",
            "medium:media",
            "mouse:mice",
            "ox:oxen",
            "person:people",
            "phenomenon:phenomena",
            "quiz:quizzes",
            "tooth:teeth",
            "vertex:vertices",
            "woman:women",
        ]
    ),
    **{word: f"{word}es" for word in ("echo", "hero", "potato", "tomato", "veto")},
    **{word: f"{word}s" for word in ("calorie", "cookie", "movie", "pie", "selfie", "tie")},
    **{f"{word}is": f"{word}es" for word in ("analys", "ax", "bas", "cris", "diagnos", "hypothes")},
    **{f"{word}is": f"{word}es" for word in ("oas", "synops", "synthes", "thes")},
    **{f"{word}f": f"{word}ves" for word in ("cal", "el", "hal", "lea", "loa", "shel", "thie")},
    **{f"{word}f": f"{word}ves" for word in ("sel", "wol")},
    **{f"{word}fe": f"{word}ves" for word in ("kni", "li", "wi")},
}
_SINGULAR_IN_S = {
    *("alias", "atlas", "bias", "bus", "canvas", "chaos", "circus", "focus", "gas", "lens"),
    "surplus",
}
_RULES = (
    (r"(?<=[^aeiou])y$", "ies"),
    (r"(?<=s)$|(?<=x)$|(?<=z)$|(?<=ch)$|(?<=sh)$", "es"),
    (r"$", "s"),
)


def plural_of(words: str) -> str:
    """Give the plural of the last of several words.

    Args:
        words: in lower case, joined by underscores, such as ``order_item``.
    """
    before, separator, word = words.rpartition("_")
    return f"{before}{separator}{_plural(word)}"


def singular_of(words: str) -> str:
    """Give the singular of what is surely a plural; anything else as it is."""
    before, separator, word = words.rpartition("_")
    if word in _SAME or word in _SINGULAR_IN_S or re.search(r"(ss|us|is)$", word):
        return words
    for candidate in _candidates(word):
        if _plural(candidate) == word:
            return f"{before}{separator}{candidate}"
    return words


def _candidates(word: str) -> list[str]:
    """Give what the singular of a word may be, the likeliest first."""
    irregular = [one for one in _IRREGULAR if one != "basis"]  # of bases, which is many a base
    stem = word.removesuffix("es")
    if stem in _SINGULAR_IN_S or re.search(r"(ss|x|zz|ch|sh|[^aocf]us)$", stem):
        return [*irregular, stem]
    regular = [word.removesuffix("s")] if word.endswith("s") else []
    return [*irregular, re.sub("ies$", "y", word), *regular]


def _plural(word: str) -> str:
    if word in _SAME:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for pattern, ending in _RULES:
        found, count = re.subn(pattern, ending, word, count=1)
        if count:
            return found
    return word
