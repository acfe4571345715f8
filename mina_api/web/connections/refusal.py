"""A refusal below the application: a problem (RFC 9457) with which a connection ends."""

import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mina_api.web.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, phrase


class Refused(Exception):
    """A request that is not served; `status` and `detail` are the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def answer(self, *, is_head: bool) -> bytes:
        """The response; HEAD has no body."""
        problem = {"type": "about:blank", "title": phrase(self.status), "status": self.status, "detail": self.detail}
        body = json.dumps(problem).encode()
        retry = b"retry-after: %d\r\n" % RETRY_AFTER_SECONDS if self.status == 503 else b""
        head = b"%bcontent-type: %b\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n" % (
            STATUS_LINE[self.status],
            MEDIA_TYPE.encode(),
            len(body),
            retry,
        )
        return head if is_head else head + body
