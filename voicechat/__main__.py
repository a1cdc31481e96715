"""`python -m voicechat` is the same program as `voicechat`."""

from voicechat.app.cli import main

if __name__ == "__main__":
    main()
