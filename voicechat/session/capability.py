"""What a model cannot do, said where it matters: never attempted, never an error.

Quiet but for the telling: facts in, a line for the user out.
"""

from typing import Literal, TypeAlias

from voicechat.connection.target import Target
from voicechat.conversation.notices import Notices
from voicechat.events import Notice
from voicechat.providers.base import Profile
from voicechat.text.phrase import phrase

What: TypeAlias = Literal["text", "images", "truncation"]


def is_lacking(target: Target, what: What, notices: Notices) -> bool:
    """Whether the model cannot do something; told once a model, where it matters."""
    notice = lack(target.dialect.profile, target.model, what, sees=target.sees)
    if notice is not None:
        notices.tell_once(notice)
    return notice is not None


def lack(profile: Profile, model: str, what: What, *, sees: bool = True) -> Notice | None:
    """What to tell about something a model cannot do; None: it can.

    Args:
        sees: Whether this very one may be shown pictures, if its provider takes them at all.
    """
    match what:
        case "text" if profile.text_input == "no":
            return Notice(
                "no_text", phrase("{who} reads no typed messages: speak to it", who=model)
            )
        case "images" if not (profile.images and sees):
            return Notice(
                "no_pictures",
                phrase("{who} sees no pictures: choose another model (F2)", who=model),
            )
        case "truncation" if not profile.can_truncate:
            text = phrase(
                "{who} cannot be told where you cut it: it believes you heard all it sent",
                who=model,
            )
            return Notice("no_truncation", text)
    return None
