"""The words of the interface, by their keys, in English.  Only words: no colours, no layout.

Other languages are catalogs beside it (`voicechat.front.words.translation`).
"""

from voicechat.errors import VoiceChatError
from voicechat.front.words.translation import ENGLISH, Translation, find_language

__all__ = ["ENGLISH", "IN_ENGLISH", "Words", "find_language"]


class Words:
    """Look up an interface text: `words("ready")`, with values filled in by name."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translation = Translation(language)

    def __call__(self, key: str, **values: object) -> str:
        text = self._translation.word(key, _WORDS[key])
        return text.format(**values) if values else text

    def told(self, text: str | VoiceChatError) -> str:
        """An error or a notice that was made elsewhere; foreign words stay as they are."""
        return self._translation.told(text)


IN_ENGLISH = Words(ENGLISH)


def ui_text(key: str, english: str) -> tuple[str, str]:
    """One text of the interface; tools find it by this name, with its key as its context."""
    return key, english


_WORDS: dict[str, str] = dict(
    [
        # phases
        ui_text("connecting", "connecting"),
        ui_text("offline", "OFFLINE"),
        ui_text("ready", "ready"),
        ui_text("listening", "listening"),
        ui_text("thinking", "thinking"),
        ui_text("speaking", "speaking"),
        # the line
        ui_text("connected", "connected"),
        ui_text("connected_http", "▒▒ HTTP ▒▒ connected"),
        ui_text("direct", "direct"),
        ui_text("via", "via {proxy}"),
        ui_text("comma", ", "),
        ui_text("plain", "not encrypted"),
        # rows
        ui_text("you", "You: "),
        ui_text("assistant", "AI: "),
        ui_text("note", "Note: "),
        ui_text("error", "ERROR: "),
        ui_text("tool", "Tool: "),
        ui_text("spoken", "(spoken)"),
        ui_text("picture", "[picture]"),
        ui_text("transcribing", "…"),
        ui_text("inaudible", "(not understood)"),
        ui_text("cut", "[cut at {seconds:.1f} s]"),
        ui_text("cut_unheard", "[cut before it was heard]"),
        ui_text("cut_short", "[cut]"),
        ui_text("failed", "[no answer]"),
        ui_text("broken_off", "[broken off]"),
        ui_text("incomplete", "The answer is incomplete ({reason})"),
        # the input
        ui_text("type_here", "Type a message, or press Space to talk"),
        ui_text("type_or_hold", "Type a message, or hold Space to talk"),
        ui_text("type_only", "Type a message"),
        ui_text("speak_now", "Speak now"),
        ui_text("live_ptt", "LIVE: Space sends, Esc drops"),
        ui_text("live_held", "LIVE: let go of Space to send, Esc drops"),
        ui_text("live_hands_free", "LIVE, hands-free: Space mutes"),
        ui_text("muted", "MUTED: Space unmutes"),
        ui_text("talk", "Push-to-talk: Space starts"),
        ui_text("talk_hold", "Push-to-talk: hold Space, or tap it"),
        ui_text("text_only", "Text only"),
        ui_text("waking", "WAIT: the microphone is waking up"),
        ui_text("retry_hint", "OFFLINE: next try in {seconds} s, F5 now"),
        ui_text("type_here_waits", "What you type is sent when the line is back"),
        ui_text("reconnect_hint", "OFFLINE: F5 connects again"),
        # status
        ui_text("microphone", "mic"),
        ui_text("loudspeaker", "spk"),
        ui_text("buffer", "buffer {ms} ms"),
        ui_text("slow_link", "SLOW LINK"),
        ui_text("target", "target {ms} ms"),
        ui_text("gaps", "gaps {count} ({seconds:.1f} s)"),
        ui_text("echo", "echo {db} dB after {ms} ms"),
        ui_text("half_duplex", "half duplex"),
        ui_text("stretched", "stretched {seconds:.1f} s"),
        ui_text("left_out", "left out {seconds:.1f} s"),
        ui_text("lost", "sound lost {count}x"),
        ui_text("latency", "latency {seconds:.2f} s"),
        ui_text("cost", "{money}"),
        ui_text("cost_over", "over {money}"),
        ui_text("cost_unknown", "cost ?"),
        ui_text("recording", "REC"),
        ui_text("volume", "volume {percent} %"),
        ui_text("scrolled", "older rows: End returns"),
        # keys
        ui_text("key_help", "Help"),
        ui_text("key_model", "Model"),
        ui_text("key_devices", "Devices"),
        ui_text("key_mute", "Mute"),
        ui_text("key_reconnect", "Reconnect"),
        ui_text("key_copy", "Copy"),
        ui_text("key_hands_free", "Hands-free"),
        ui_text("key_quit", "Quit"),
        # pickers
        ui_text("pick_model", "Choose a model (Enter), Esc goes back"),
        ui_text("pick_device", "Choose a device (Enter), Esc goes back"),
        ui_text("key_set", "key set"),
        ui_text("key_missing", "set {env}"),
        ui_text("key_none", "no key needed"),
        ui_text("pick_filter", "Type to filter: gemini, images, key set …"),
        ui_text("pick_nothing", "Nothing fits"),
        ui_text("signs", "VTPFHR"),
        ui_text("signs_mean", "V voice  T text  P pictures  F functions  H hands-free  R reasons"),
        ui_text("able", "voice text pictures functions hands-free reasons"),
        ui_text("last_used", "Last used"),
        ui_text("used_today", "last used today"),
        ui_text("used_yesterday", "last used yesterday"),
        ui_text("used_days", "last used {days} days ago"),
        ui_text("used_on", "last used {date}"),
        ui_text("ends", "until {date}, then {successor}"),
        ui_text("get_key", "Get {env} at {page}"),
        ui_text("voices", "Voices: {voices}"),
        ui_text("price", "{currency} for 1M tokens ({date}): {parts}"),
        ui_text("price_minute", "{currency} a minute ({date}): {each}"),
        ui_text("price_standby", "standing by {each}"),
        ui_text("price_item", "a message {each}"),
        ui_text("price_text", "text {taken} in, {given} out"),
        ui_text("price_sound", "sound {taken} in, {given} out"),
        ui_text("price_and", "; "),
        ui_text("price_reported", "{date}, as users report"),
        ui_text("price_ends", "{date}, until {end}"),
        ui_text("price_unknown", "Price: not known"),
        ui_text("microphones", "Microphones"),
        ui_text("loudspeakers", "Loudspeakers"),
        ui_text("default_device", "(default)"),
        ui_text("looking_devices", "Looking for devices…"),
        ui_text("no_devices", "No sound devices found"),
        # may a tool run?
        ui_text("consent", "The model wants to run the tool {tool} with:"),
        ui_text("consent_keys", "y: run it once   a: always, until you quit   n or Esc: no"),
        ui_text(
            "consent_more",
            "More below: PgDn or Down to its end, then y or a   n or Esc: no",
        ),
        ui_text(
            "consent_typing", "Send or clear your message, then y: once, a: always, n: no.  Esc: no"
        ),
        ui_text("consent_behind", "A tool waits for your yes or no: Esc closes this page"),
        # a key typed as a message
        ui_text("key_asks", "This looks like a key for {title}. It was not sent."),
        ui_text("key_asks_nobody", "This looks like a key. It was not sent."),
        ui_text("key_keys", "s: store it in the config   n: send it anyway   Esc: drop it"),
        ui_text("key_keys_nobody", "n: send it anyway   Esc: drop it"),
        ui_text("key_typing", "Send or clear your message first.  Esc: drop the key"),
        ui_text("key_stored", "Stored as the key of {title} in {path}: F5 connects with it"),
        ui_text("key_dropped", "Dropped: nothing was sent"),
        ui_text(
            "key_not_sent",
            "A line was not sent: it looks like a key, which belongs into the config file",
        ),
        ui_text(
            "key_not_sent_of",
            "A line was not sent: it looks like a key for {title}. Put it into the config file, "
            "as api_key under [providers.{provider}], or into {env}",
        ),
        # told once
        ui_text("copied", "Copied the last reply"),
        ui_text("nothing_to_copy", "There is no reply to copy yet"),
        ui_text("quit_again", "Press Ctrl+C again to quit"),
        ui_text("no_microphone", "No microphone: type instead"),
        ui_text("waits_for_line", "Sent when the line is back"),
        ui_text("not_sent", "Offline: not sent. F5 connects again"),
        ui_text("help_orders", "/image PATH words, /screen words, /quit; //text sends /text"),
        ui_text(
            "order_near",
            "There is no /{word}: did you mean /{near}? To send it as it is, type // before it",
        ),
        ui_text(
            "order_unknown",
            "There is no /{word}: there are /image, /screen, /help and /quit. To send it "
            "as it is, type // before it",
        ),
        ui_text("order_image_alone", "Which picture? Type /image, its path, and words about it"),
        ui_text("picture_loading", "Reading the picture"),
        ui_text("picture_not_sent", "Not sent: this model sees no pictures. F2 chooses another"),
        ui_text(
            "mute_is_hands_free",
            "Mute is for hands-free; now nothing is heard until you press Space",
        ),
        ui_text("hands_free_on", "Hands-free: the model hears when you begin and end"),
        ui_text("hands_free_off", "Push-to-talk: Space begins and ends"),
        ui_text(
            "hands_free_off_hold",
            "Push-to-talk: hold Space while you speak, or tap it to begin and end",
        ),
        ui_text("recording_on", "Recording to {path}"),
        ui_text("recording_off", "The recording is in {path}"),
        ui_text("recording_no_sound", "There is no sound to record"),
        ui_text("switching", "Switching to {model}"),
        ui_text("reconnecting", "Connecting again"),
        ui_text(
            "help",
            """\
Space      talk: press once to start, again to send; or hold it,
           where the terminal tells (empty box); hands-free: mute
Esc        stop the reply, or drop what you are saying
Enter      send what you typed        Up/Down  earlier messages
Ctrl+T     hands-free on or off       F4       mute on or off
F2         choose a model             F3       choose devices
F5         connect again              Ctrl+Y   copy the last reply
Ctrl+R     record the call, or stop   Ctrl+Up/Down  louder, softer
PgUp/PgDn  older and newer rows       End      the newest rows
Ctrl+Q     quit (or Ctrl+C twice)

/image PATH words    send a picture and words about it
/screen words        send what the main screen shows
//words              send words that begin with a slash
A picture dropped on the window, or its pasted path: as /image

LIVE means: what the microphone hears goes to the model.
Your voice makes a reply wait; it goes on if that was nothing.

Esc closes this page.""",
        ),
    ]
)
