"""What the model may have done on this machine: programs of the user's, and servers of tools."""

from voicechat.tools.consent import Ask, Verdict
from voicechat.tools.toolbox import Toolbox

__all__ = ["Ask", "Toolbox", "Verdict"]
