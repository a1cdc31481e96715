"""Between whom a link runs, and how foreign words about it are quoted."""

from dataclasses import dataclass, field

from voicechat.net.proxy import Proxy
from voicechat.text.clean import clean_line, mask_secrets
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a service."""

    service: str
    """`host` or `host:port`, as errors name it."""
    proxy: Proxy | None = None
    deadline_s: float = 10.0
    """For everything from the name lookup to the upgrade."""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def gate(self) -> str:
        """The proxy as errors name it."""
        return (
            phrase("The proxy {label}", label=self.proxy.label)
            if self.proxy
            else phrase("The network")
        )

    def quote(self, foreign: str, limit: int = 300) -> str:
        """Foreign words on one line, without control characters, keys and passwords."""
        secrets = self.secrets + (self.proxy.secrets if self.proxy else ())
        return mask_secrets(clean_line(mask_secrets(foreign, secrets), limit))
