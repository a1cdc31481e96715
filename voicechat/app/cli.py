"""The command line: read it, build the parts, hand them to a front end, and leave with a code.

Exit codes: 0 all well; 1 something could not be done (one line on stderr says what); 2 the command
line or the config is wrong; 128 + n ended by signal n.
"""

import argparse
import asyncio
import math
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from voicechat import __version__
from voicechat.config.environment import keep_no_core
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.front.words.words import Words, find_language
from voicechat.text.phrase import message_key, phrase

if TYPE_CHECKING:
    from voicechat.app.build import App
    from voicechat.connection.state.backoff import RetryBudget
    from voicechat.session.session import Listener, Session

_USAGE = phrase(
    """\
%(prog)s [options]
       %(prog)s devices [--test] [--json]
       %(prog)s models|conversations [--json]
       %(prog)s export ID|last [--format md|txt|json]"""
)
_EPILOG = phrase(
    """\
Talk to a realtime AI model: Space starts and sends your turn, or type.  Keys for services come
from the environment (OPENAI_API_KEY, …) or the config file.  With no key at all it talks to a
small model built into the program.
"""
)

_ARGPARSE = (
    message_key("usage: "),
    message_key("options"),
    message_key("positional arguments"),
    message_key("show this help message and exit"),
    message_key("%(prog)s: error: %(message)s\n"),
    message_key("argument %(argument_name)s: %(message)s"),
    message_key("expected one argument"),
    message_key("not allowed with argument %s"),
    message_key("ignored explicit argument %r"),
    message_key("invalid %(type)s value: %(value)r"),
    message_key("invalid choice: %(value)r (choose from %(choices)s)"),
)
"""What Python's own parser says."""

Told: TypeAlias = Callable[[str], str]
"""Tells a sentence in the user's language."""

_SCREENLESS = ("", "dumb", "unknown")
"""What TERM says where nothing but lines can be shown."""


def main() -> None:
    """The console script."""
    keep_no_core()
    words = _words(sys.argv[1:])
    args = read_arguments(sys.argv[1:], words.told)
    try:
        code = run(args, words)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - nobody reads us any more
        code = 1
    except VoiceChatError as error:
        print(f"voicechat: {words.told(error)}", file=sys.stderr)  # noqa: T201 - this is our output
        code = 2 if isinstance(error, ConfigError) else 1
    except OSError as error:
        told = words.told(phrase("The system refuses: {why}", why=error.strerror))
        print(f"voicechat: {told}", file=sys.stderr)  # noqa: T201
        code = 1
    except Exception as error:
        if os.environ.get("VOICECHAT_DEBUG"):
            raise
        # No traceback: it would show variables, and keys may be among them.
        told = words.told(phrase("internal error: {error!r}", error=error))
        print(f"voicechat: {told}"[:300], file=sys.stderr)  # noqa: T201
        code = 1
    _leave(code)


def _words(given: list[str]) -> Words:
    """In the language that the config names, where it can be read; else in the system's."""
    from voicechat.config import load

    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    options.add_argument("--config", type=Path)
    try:
        path = options.parse_known_args(given)[0].config
        return Words(find_language(load.load(path, os.environ).ui.language))
    except (VoiceChatError, argparse.ArgumentError):
        return Words(find_language("auto"))


def read_arguments(words: list[str], told: Told = str) -> argparse.Namespace:
    """Parse the command line; what is wrong with it is told, and ends the program with 2.

    An unknown option is told by its name alone: its value may be a key that somebody hoped to pass.
    """
    # Its own way to be translated (`gettext.textdomain`) knows only the locale.
    setattr(argparse, "_", lambda text: told(phrase(text)))  # noqa: B010
    parser = build_parser(told)
    args, unknown = parser.parse_known_intermixed_args(words)
    options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if options:
        parser.error(told(phrase("there is no option {name}", name=options[0])))
    if unknown or args.command not in (None, "devices", "models", "conversations", "export"):
        parser.error(
            told(phrase("there are four commands: devices, models, conversations, export"))
        )
    if (args.command == "export") != (args.id is not None):
        parser.error(
            told(
                phrase("export takes the id of one conversation, or last; other commands take none")
            )
        )
    return args


def build_parser(told: Told = str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voicechat",
        usage=told(_USAGE),
        description=told(phrase("Talk to realtime AI models from the terminal.")),
        epilog=told(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command",
        nargs="?",
        metavar="devices|models|conversations",
        help=told(phrase("list them, and end")),
    )
    parser.add_argument(
        "id", nargs="?", metavar="export ID|last", help=told(phrase("print a conversation"))
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"voicechat {__version__}",
        help=told(phrase("show program's version number and exit")),
    )
    _add_model(parser.add_argument_group(told(phrase("the model"))), told)
    _add_network(parser.add_argument_group(told(phrase("the network"))), told)
    _add_sound(parser.add_argument_group(told(phrase("sound"))), told)
    _add_scripting(parser.add_argument_group(told(phrase("scripting"))), told)
    _add_files(parser.add_argument_group(told(phrase("files"))), told)
    return parser


def _add_model(group: argparse._ArgumentGroup, told: Told) -> None:
    group.add_argument("--model", metavar="NAME", help=told(phrase("which model to talk to")))
    group.add_argument("--voice", metavar="V", help=told(phrase("the voice of its answers")))
    group.add_argument("--instructions", metavar="TEXT", help=told(phrase("how it should behave")))


def _add_network(group: argparse._ArgumentGroup, told: Told) -> None:
    group.add_argument(
        "--url", metavar="WS_URL", help=told(phrase("another server for the same model family"))
    )
    group.add_argument(
        "--link",
        choices=("auto", "websocket", "http"),
        help=told(phrase("auto: by HTTP where no WebSocket gets through")),
    )
    group.add_argument(
        "--proxy", metavar="URL|none", help=told(phrase("http://, https://, socks4/5/5h://"))
    )
    group.add_argument(
        "--retry-for",
        metavar="S",
        type=partial(_seconds, told=told),
        help=told(phrase("dial a lost line again for so many seconds")),
    )


def _seconds(text: str, told: Told) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if 0.0 <= seconds < math.inf:
            return seconds
    wrong = phrase("invalid number of seconds: {value!r}", value=text)
    raise argparse.ArgumentTypeError(told(wrong))


def _add_sound(group: argparse._ArgumentGroup, told: Told) -> None:
    group.add_argument(
        "--text", action="store_true", default=None, help=told(phrase("open no sound device"))
    )
    turns = group.add_mutually_exclusive_group()
    turns.add_argument(
        "--hands-free",
        dest="hands_free",
        action="store_true",
        default=None,
        help=told(phrase("the model hears when you begin and end")),
    )
    turns.add_argument(
        "--push-to-talk",
        dest="hands_free",
        action="store_false",
        help=told(phrase("Space begins and ends")),
    )
    group.add_argument(
        "--input-device", metavar="D", help=told(phrase("microphone: number or part of a name"))
    )
    group.add_argument("--output-device", metavar="D", help=told(phrase("loudspeaker: the same")))
    group.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help=told(phrase("keep the call's sound: .wav or .ogg")),
    )
    group.add_argument(
        "--test",
        action="store_true",
        help=told(phrase("with devices: play, listen, and say what is wrong")),
    )


def _add_scripting(group: argparse._ArgumentGroup, told: Told) -> None:
    group.add_argument(
        "--plain", action="store_true", help=told(phrase("no screen: stdin lines are messages"))
    )
    group.add_argument(
        "--json", action="store_true", help=told(phrase("one JSON object per event (no screen)"))
    )
    group.add_argument(
        "--say", metavar="FILE.wav", type=Path, help=told(phrase("speak a file (no screen)"))
    )
    group.add_argument(
        "--save-reply",
        metavar="FILE.wav",
        type=Path,
        help=told(phrase("write the spoken answer (no screen)")),
    )


def _add_files(group: argparse._ArgumentGroup, told: Told) -> None:
    group.add_argument(
        "--config", metavar="FILE", type=Path, help=told(phrase("another config file"))
    )
    group.add_argument(
        "--trace", metavar="FILE", help=told(phrase("record the wire, secrets removed"))
    )
    group.add_argument(
        "--resume",
        metavar="ID",
        nargs="?",
        const="last",
        help=told(phrase("go on with a conversation")),
    )
    group.add_argument("--format", choices=("md", "txt", "json"), help=told(phrase("of export")))
    group.add_argument(
        "--no-save",
        dest="save",
        action="store_false",
        default=None,
        help=told(phrase("keep no transcript")),
    )


def run(args: argparse.Namespace, words: Words) -> int:
    """Do what the command line says.

    Raises:
        VoiceChatError: it could not be done.
    """
    from voicechat.app import build as assembly
    from voicechat.front.commands import listing
    from voicechat.front.plain.output import allow_any_text, keep_libraries_quiet

    if args.test and args.command != "devices":
        raise ConfigError(
            phrase("--test belongs to devices"), phrase("Run: voicechat devices --test")
        )
    if args.json or args.format == "json":
        allow_any_text(as_json=True)
    if args.command == "devices":
        keep_libraries_quiet()
    if args.command == "devices" and args.test:
        from voicechat.front.commands import device_report

        config = _build_house(args).config
        return device_report.report_test(
            lambda tell: assembly.test_devices(config, tell), as_json=args.json, words=words
        )
    if args.command == "devices":
        devices, hint = asyncio.run(assembly.find_devices()), assembly.sound_hint()
        return listing.list_devices(devices, as_json=args.json, hint=hint, words=words)
    if args.command in ("conversations", "export"):
        return _show_kept(args, words)
    house = _build_house(args)
    if args.command == "models":
        return listing.list_models(house.find_models(), as_json=args.json, words=words)
    if args.plain or args.json or args.say or args.save_reply:
        return asyncio.run(_run_plain(house, args))
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise ConfigError(
            phrase("stdin and stdout must be a terminal"),
            phrase("Use --plain in pipes and scripts"),
        )
    if os.name == "posix" and (term := os.environ.get("TERM", "")) in _SCREENLESS:
        raise ConfigError(
            phrase("This terminal can show lines only (TERM={term})", term=term),
            phrase("Use --plain, or set TERM"),
        )
    return asyncio.run(_run_screen(house, args.retry_for))


def _build_house(args: argparse.Namespace) -> "App":
    """The parts; from here on they alone know the keys of the environment."""
    from voicechat.app import build as assembly

    house = assembly.App.build(args, os.environ)
    house.forget_keys(os.environ)
    return house


def _show_kept(args: argparse.Namespace, words: Words) -> int:
    """What was kept, told without a look at the config, which may be what is wrong."""
    from voicechat.conversation import journal
    from voicechat.front.commands import conversations

    folder = journal.data_folder(os.environ)
    if args.command == "conversations":
        return conversations.list_conversations(
            journal.list_kept(folder), as_json=args.json, words=words
        )
    name, loaded = journal.read(folder, args.id)
    kind = "json" if args.json else args.format or "md"
    return conversations.print_conversation(name, loaded, kind, words)


async def _run_plain(house: "App", args: argparse.Namespace) -> int:
    from voicechat.front.plain.plain import Options, Plain

    config = house.config
    is_voice = bool(args.hands_free) and not args.say and not config.text
    reconnects = args.retry_for != 0
    words = Words(find_language(config.ui.language, house.environ))
    options = Options(args.json, args.say, args.save_reply, is_voice, house.find_key, reconnects)
    plain = Plain(options, words)
    for warning in config.warnings:
        plain.warn(warning)
    wants_speech = is_voice or args.save_reply is not None
    try:
        session = house.build_session(
            plain.hear,
            with_sound=is_voice,
            wants_speech=wants_speech,
            budget=_budget(args.retry_for, first_s=0.0),
        )
        return await plain.run(session)
    finally:
        house.close()


def _budget(retry_for_s: float | None, *, first_s: float | None = None) -> "RetryBudget":
    """What was asked for holds from the start; else a script need not wait for its first line."""
    from voicechat.connection.state.backoff import RetryBudget

    usual = RetryBudget()
    if retry_for_s is not None:
        return RetryBudget(retry_for_s, retry_for_s)
    return usual if first_s is None else RetryBudget(usual.lost_s, first_s)


async def _run_screen(house: "App", retry_for_s: float | None) -> int:
    from voicechat.app import build as assembly
    from voicechat.front.app_api import AppApi
    from voicechat.front.tui.run import run_screen

    config = house.config
    words = Words(find_language(config.ui.language, house.environ))
    doors = AppApi(
        house.find_models,
        house.dial,
        assembly.find_devices,
        house.pick_device,
        lambda: house.recorder,
        house.is_waking,
        house.find_key,
        house.store_key,
        house.hide_key,
    )

    def build(listener: "Listener") -> "Session":
        wanted = not config.text
        return house.build_session(
            listener, with_sound=wanted, wants_speech=wanted, budget=_budget(retry_for_s)
        )

    try:
        return await run_screen(
            build, doors, words, theme=config.ui.theme, warnings=config.warnings
        )
    finally:
        house.close()


def _leave(code: int) -> None:
    """End now.  A thread stuck in a stalled sound server or terminal must not hold the end up."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: it was closed before the start.
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
