"""To which file a message of FFmpeg is given, with messages that we log through PyAV."""

import threading

import av

from thm_torchmetrics.media.ffmpeg_log import ErrorLog


def say(text: str, level: int = av.logging.ERROR) -> None:
    av.logging.log(level, "codec", text)


def say_elsewhere(text: str) -> None:
    """Log in another thread, as a decoder does."""
    thread = threading.Thread(target=say, args=(text,))
    thread.start()
    thread.join()


def test_the_same_message_in_the_next_file_is_kept_again() -> None:
    for _ in range(3):
        with ErrorLog() as log:
            with log.calling():
                say("the same")
            assert log.errors == ["codec: the same"]
            with log.calling():
                say("the same")
            assert log.errors == ["codec: the same"] * 2


def test_only_errors_count_and_only_a_few_are_kept() -> None:
    with ErrorLog() as log, log.calling():
        say("a warning", av.logging.WARNING)
        for index in range(1000):
            say(str(index))
    assert log.errors == ["codec: 0", "codec: 1", "codec: 2"]


def test_a_message_in_the_calling_thread_belongs_to_the_call() -> None:
    with ErrorLog() as first, ErrorLog() as second:
        with second.calling():
            say("second")
        with first.calling():
            say("first")
        assert (first.errors, second.errors) == (["codec: first"], ["codec: second"])
        assert not first.doubtful
        assert not second.doubtful


def test_a_message_in_another_thread_is_doubtful_if_several_files_are_open() -> None:
    with ErrorLog() as first:
        say_elsewhere("alone")
        with ErrorLog() as second:
            assert first.errors == ["codec: alone"]
            say_elsewhere("whose?")
            with second.calling():
                pass
            assert (first.doubtful, second.doubtful, second.errors) == (True, True, [])
    with ErrorLog() as third, third.calling():
        pass
    assert (third.errors, third.doubtful) == ([], False)


def test_logs_may_close_in_any_order_and_leave_pyav_as_it_was() -> None:
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    first, second = ErrorLog(), ErrorLog()
    first.__enter__()
    second.__enter__()
    first.__exit__()
    with second.calling():
        say("still open")
    assert second.errors == ["codec: still open"]
    second.__exit__()
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before
    with av.logging.Capture() as messages:
        say("after the last file")
    assert messages == []
