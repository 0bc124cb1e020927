"""The mock AWS answers a repeated attempt of one call as it answered the first."""

from collections.abc import Iterable

from modelyard.rehearsal.cloud.mock_aws.answers import Answers, Environ, StartResponse


class Deleting:
    """Deletes one thing, once."""

    def __init__(self) -> None:
        self.is_there = True
        self.asked = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.asked += 1
        start_response("200 OK" if self.is_there else "400 Bad Request", [("Content-Type", "text/plain")])
        yield b"deleted" if self.is_there else b"not found"
        self.is_there = False


def asked(answers: Answers, deleting: Deleting, call: str = "") -> tuple[str, bytes]:
    said: list[str] = []
    environ = {"HTTP_AMZ_SDK_INVOCATION_ID": call} if call else {}
    body = b"".join(answers.once(environ, lambda status, headers: said.append(status), deleting))
    return said[0], body


def test_second_attempt_of_a_call_hears_what_the_first_did() -> None:
    answers, deleting = Answers(), Deleting()
    assert asked(answers, deleting, "one") == ("200 OK", b"deleted")
    assert asked(answers, deleting, "one") == ("200 OK", b"deleted")
    assert deleting.asked == 1
    assert asked(answers, deleting, "another") == ("400 Bad Request", b"not found")


def test_a_refusal_is_asked_again() -> None:
    answers, deleting = Answers(), Deleting()
    deleting.is_there = False
    assert asked(answers, deleting, "one")[0] == "400 Bad Request"
    deleting.is_there = True
    assert asked(answers, deleting, "one")[0] == "200 OK"


def test_calls_without_a_number_are_each_done() -> None:
    answers, deleting = Answers(), Deleting()
    assert [asked(answers, deleting)[0] for _ in range(2)] == ["200 OK", "400 Bad Request"]
    assert deleting.asked == 2
