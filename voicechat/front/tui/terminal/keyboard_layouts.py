"""Keyboard layouts: which key of a Latin keyboard a letter of another script lies on.

Terminals with the kitty protocol name the key of the base layout when they are asked; where they
do not, the usual layouts of the scripts that have no Latin letters are looked up here.
"""

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_LAYOUTS = (
    "йцукенгшщзхъфывапролджэячсмитьбю",  # Russian
    "йцукенгшщзхїфівапролджєячсмитьбю",  # Ukrainian
    ";ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,.",  # Greek
    "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ",  # Hebrew
    "ضصثقفغعهخحجدشسيبلاتنمكطئءؤر.ىةوز",  # Arabic
)


def _table() -> dict[int, int]:
    found: dict[int, int] = {}
    for layout in _LAYOUTS:
        for letter, key in zip(layout, _LATIN, strict=True):
            if not letter.isascii() and key.isalpha():
                found.setdefault(ord(letter), ord(key))
    return found


_KEYS = _table()


def latin_key(code: str, base: str) -> str:
    """The number of the key that belongs with Ctrl or Alt: of the layout, if it is ASCII.

    Args:
        code: what the layout has on the key, as a decimal number.
        base: what the base layout has there, if the terminal said so.
    """
    if not code or int(code) < 128:
        return code
    return base or str(_KEYS.get(int(code), code))
