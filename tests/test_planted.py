from tests.api import SECRET_KEY
from tests.planted import leaks


class TestLeaks:
    def test_are_of_what_is_logged_and_of_nothing_else(self) -> None:
        said = f"it is {SECRET_KEY}"

        assert leaks([("Captured stderr call", said)]) == ["the secret key"]
        assert leaks([("Captured log setup", said)]) == ["the secret key"]
        assert leaks([("Captured stdout call", said), ("Captured stderr call", "nothing")]) == []
