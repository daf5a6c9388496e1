"""The connection to an archive: to its own address alone, encrypted, within limits, and silent about it.

Requests hold what somebody looks for in their URLs, since PS3.18 knows no other way (8.3.4), and answers
name patients. Neither reaches a log or an error: libraries are silenced, and what they raise becomes a
sentence of our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from dicomweb_client import DICOMwebClient
from requests.auth import AuthBase, HTTPBasicAuth

from vmcore.clinic.network.dicomweb.deadline import Deadline, adapter
from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.settings import WebArchive

SILENT = "The archive does not answer."
BROKE_OFF = "The connection ended before the archive's answer was whole."
TOO_SLOW = "The archive's answer takes too long."
_CONNECT_S, _SILENCE_S, _LONGEST_S = 10, 60, 120
_SENTENCES = {
    400: "The archive does not understand what is asked.",
    401: "The archive does not let this program in: look at its user and secret in VMCORE_ARCHIVES.",
    403: "The archive does not let this program in: look at its user and secret in VMCORE_ARCHIVES.",
    404: "The archive has nothing there: look at its URL in VMCORE_ARCHIVES.",
    413: "The archive takes nothing that large.",
}


class ArchiveError(ValueError):
    """What went wrong, in one sentence that quotes nothing of request or answer.

    Attributes:
        status: of the archive's answer; None where there was none.
    """

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class _Bearer(AuthBase):  # type: ignore[misc]  # requests tells no types
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._secret}"
        return request


class Session(requests.Session):  # type: ignore[misc]
    """Requests to one archive and nowhere else; answers are bounded in size and time.

    Attributes:
        last: the last answer, whatever the client made of it.
    """

    def __init__(self, archive: WebArchive, most_bytes: int, deadline: Deadline) -> None:
        super().__init__()
        self.trust_env = False  # neither proxies nor another file's passwords
        self.verify = str(archive.ca_file) if archive.ca_file else True
        self.auth = _credentials(archive)
        self.headers["Accept"] = "application/dicom+json"
        self.last: requests.Response | None = None
        self._base, self._most = f"{archive.url}/", most_bytes
        self.adapters.clear()  # no other address can be reached
        parts = urlsplit(archive.url)
        self.mount(f"{parts.scheme}://{parts.netloc}/", adapter(deadline))

    def request(self, method: str, url: str, **how: Any) -> requests.Response:
        """Ask the archive.

        Raises:
            ArchiveError: the URL is not the archive's, or its answer leads elsewhere.
        """
        if not url.startswith(self._base):
            raise ArchiveError("This is not the archive's address.")
        headers = {**(how.pop("headers", None) or {})}
        headers.pop("Host", None)  # the client's is without its port
        how |= {"allow_redirects": False, "stream": True, "headers": headers}
        url = url.replace("%2A", "*")  # some archives know the wild card unescaped alone
        response = super().request(method, url, **how)
        self.last = response
        if 300 <= response.status_code < 400:
            response.close()
            raise ArchiveError(
                "The archive leads to another address, which is not followed: correct its URL in "
                "VMCORE_ARCHIVES.",
                response.status_code,
            )
        whole = response.iter_content

        def bounded(*size: Any, **more: Any) -> Iterator[bytes]:
            count = 0
            for part in whole(*size, **more):
                count += len(part)
                if count > self._most:
                    raise ArchiveError("The archive's answer is larger than the limit.")
                yield part

        response.iter_content = bounded
        return response


def client(session: Session, archive: WebArchive) -> DICOMwebClient:
    """What speaks DICOMweb by a session, once and without trying again."""
    made = DICOMwebClient(archive.url, session=session, timeout=(_CONNECT_S, _SILENCE_S))
    made.set_http_retry_params(retry=False)
    return made


@contextmanager
def asking(
    archive: WebArchive, most_bytes: int, longest_s: float = _LONGEST_S
) -> Iterator[Session]:
    """A connection for one request or a few; whatever goes wrong in it is an :class:`ArchiveError`.

    Args:
        archive: whom to ask.
        most_bytes: the largest answer that is taken.
        longest_s: how long all of it may take, seconds.
    """
    say_nothing_of_images()
    session: Session | None = None
    deadline = Deadline(longest_s)
    try:
        try:
            with Session(archive, most_bytes, deadline) as session:
                yield session
        except Exception as error:
            if deadline.over:  # whatever was made of the half of it
                raise ArchiveError(TOO_SLOW) from None
            raise _sentence(error, session) from None
        if deadline.over:
            raise ArchiveError(TOO_SLOW)
    finally:
        deadline.close()
        if session is not None and session.last is not None:
            session.last.close()  # what was not read of it


def _sentence(error: Exception, session: Session | None) -> Exception:
    """What went wrong; errors of others' making that are none of the connection's stay as they are."""
    if isinstance(error, ArchiveError):
        return error
    if isinstance(error, requests.exceptions.SSLError):
        return ArchiveError(
            "The archive's certificate is not one that is believed here: name who issues it as ca_file "
            "in VMCORE_ARCHIVES."
        )
    if isinstance(error, requests.exceptions.HTTPError):
        return refused(error.response.status_code)
    if isinstance(error, requests.exceptions.RequestException):
        # no answer, half of one, or one that cannot be unpacked
        begun = session is not None and session.last is not None
        return ArchiveError(BROKE_OFF if begun else SILENT)
    if isinstance(error, OSError):
        return ArchiveError(
            "The archive's secret or certificates cannot be read: look at VMCORE_ARCHIVES."
        )
    return error


def refused(status: int) -> ArchiveError:
    """What an answer's status says (PS3.18, 8.5)."""
    if status >= 500 or status in {408, 429}:
        return ArchiveError(f"The archive cannot do it now (status {status}).", status)
    return ArchiveError(
        _SENTENCES.get(status, f"The archive refuses it (status {status})."), status
    )


def _credentials(archive: WebArchive) -> AuthBase | None:
    secret = archive.secret.get_secret_value() if archive.secret else ""
    if archive.secret_file is not None:
        try:
            secret = archive.secret_file.read_text("utf-8").strip()
        except UnicodeDecodeError:
            raise ArchiveError(
                "The archive's secret file is no text in UTF-8: look at secret_file in VMCORE_ARCHIVES."
            ) from None
    if archive.user is not None:
        return HTTPBasicAuth(archive.user.encode(), secret.encode())
    if not (secret.isascii() and secret.isprintable()) or " " in secret:  # RFC 6750, 2.1
        raise ArchiveError(
            "The archive's secret is no bearer token, which has no space and none but ASCII signs: name "
            "the user whose password it is, or correct the secret in VMCORE_ARCHIVES."
        )
    return _Bearer(secret) if secret else None
