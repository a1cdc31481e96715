"""Where a session of OpenAI's family is, and how its key is sent: the handshake's URL, headers."""

from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from voicechat.providers.base import Profile, Settings


def address(profile: Profile, settings: Settings) -> str:
    """The URL of a session, with the model in its query."""
    model = quote(settings.model or profile.default_model, safe="")
    if not settings.url:
        return profile.url.replace("{model}", model)
    try:
        parts = urlsplit(settings.url.replace("{model}", model))
    except ValueError:  # The link says what is wrong with it.
        return settings.url
    if any(key == "model" for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return urlunsplit(parts)
    query = f"{parts.query}&model={model}" if parts.query else f"model={model}"
    return urlunsplit(parts._replace(query=query))


def authorization(settings: Settings) -> dict[str, str]:
    """The header that holds the key: a bearer token, or as the user wrote it (`key_header`)."""
    if not settings.api_key:
        return {}
    written = settings.key_header or "Authorization: Bearer {key}"
    name, _, value = written.partition(":")
    return {name.strip(): value.strip().replace("{key}", settings.api_key)}
