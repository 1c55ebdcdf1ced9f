"""The command line: `artrt`, and `python -m artrt` for where that command is not on the path.

Ctrl-C while Python still imports the command line, or while it ends, would print a traceback; here it ends the process
as it ends any other program.
"""

import signal


def main() -> None:
    """Runs the command line and exits with its code."""
    _end_plainly()
    from artrt.cli.main import main as command_line

    try:
        command_line()
    finally:
        _end_plainly()


def _end_plainly() -> None:
    """Lets Ctrl-C end the process without an exception; an ignored signal stays ignored (nohup)."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
