"""Who is at the page: by OpenID Connect, by a trusted proxy's header, or this machine's user."""

from __future__ import annotations

import hmac
import logging
import time
import tomllib
from functools import lru_cache
from pathlib import Path

import streamlit as st

from pages.parts.plain import plain
from vmcore.runs.access import ROLES, Person, Role, identify_by, local_user
from vmcore.settings import settings

log = logging.getLogger(__name__)

_NOBODY = Person("", frozenset())
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PROXY_SECRET = "X-VentriScope-Proxy-Secret"  # noqa: S105  a header's name


def person() -> Person:
    """Who is at the page; nobody, who may do nothing, where the login says so."""
    how = settings().login
    if how == "none":
        return local_user()
    name = _by_openid() if how == "oidc" else _by_proxy()
    return Person(name, _roles_of(name), signed_in=True) if name else _NOBODY


def admitted() -> Person:
    """Who comes in; nobody where the address is open, the token unknown or the login missing."""
    identify_by(person)
    return person() if not _is_open() and _knows_token() else _NOBODY


def draw_entrance() -> None:
    """Draw what keeps somebody out, and how to come in."""
    st.title("VentriScope", anchor=False)
    if _is_open():
        st.error(
            "This app listens for other machines, and nobody has to sign in. Set VMCORE_LOGIN "
            "(docs/deployment.md), or let it listen on 127.0.0.1 only.",
            icon=":material/lock:",
        )
    elif not _knows_token():
        st.text_input("Token", type="password", key="token")
        if st.session_state.get("token"):
            st.error("That is not the token.", icon=":material/lock:")
        st.caption("The token is what VMCORE_TOKEN was set to when the app was started.")
    elif who := person().name:
        st.error(f"{plain(who)} has no role here. Ask who runs this installation.")
    elif settings().login == "oidc":
        st.write("Sign in with your institution's account.")
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    else:
        st.error("Nobody is signed in. Open this page through your institution's address.")


def draw_who() -> None:
    """Say who is signed in, and let them leave."""
    who = person()
    if who.signed_in:
        st.caption(f":material/person: {plain(who.name)}")
        if settings().login == "oidc":
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)


def stay(*roles: Role) -> Person:
    """Go on only for who has one of the roles now; parts of a page are drawn again without the rest."""
    who = admitted()
    if not who.roles & set(roles):
        st.stop()
    return who


def ask_for_name(key: str) -> str | None:
    """Draw the field for the name that stands with a change, where no login says it."""
    who = person()
    if who.signed_in:
        st.caption(f"Kept with the name {plain(who.name)}.")
        return None
    return st.text_input("Your name", placeholder=f"{who.name}, if left empty", key=key)


def _by_openid() -> str:
    if not st.user.is_logged_in:
        return ""
    if time.time() > float(st.user.get("exp") or time.time() + 1):
        return ""  # the provider's word has run out; the framework's cookie lives longer
    vouched = st.user.get("email_verified") is not False
    return str((st.user.get("email") if vouched else "") or st.user.get("sub") or "")


def _by_proxy() -> str:
    """The name in the proxy's header, where the proxy proves to be it."""
    secret = settings().proxy_secret
    said = st.context.headers.get(_PROXY_SECRET, "")
    if secret is None:
        log.warning(
            "VMCORE_LOGIN is proxy, but VMCORE_PROXY_SECRET is not set: nobody can sign in."
        )
        return ""
    if not hmac.compare_digest(said.encode(), secret.get_secret_value().encode()):
        return ""
    return str(st.context.headers.get(settings().proxy_header, "")).strip()


def _roles_of(name: str) -> frozenset[Role]:
    file = settings().roles
    if file is None:
        return frozenset({"classify"})
    known = _roles(file, file.stat().st_mtime_ns if file.is_file() else 0)
    return known.get(name, known.get("*", frozenset()))


@lru_cache(maxsize=4)
def _roles(file: Path, changed_ns: int) -> dict[str, frozenset[Role]]:
    """Roles by name from a TOML file, read again when it changes; a wrong file gives nobody any."""
    del changed_ns
    try:
        table = tomllib.loads(file.read_text())
        return {
            name: frozenset(role for role in ROLES if role in roles)
            for name, roles in table.items()
            if isinstance(roles, list)
        }
    except (OSError, ValueError) as error:
        log.warning("The file of roles cannot be read (%s): nobody has any.", type(error).__name__)
        return {}


def _is_open() -> bool:
    """Whether other machines reach the app and nobody has to sign in."""
    return settings().login == "none" and st.get_option("server.address") not in _LOOPBACK


def _knows_token() -> bool:
    """Whether the session has shown the token: on a shared machine every user may knock."""
    token = settings().token
    if token is None or st.session_state.get("knows-token"):
        return True
    said = st.query_params.get("token") or st.session_state.get("token") or ""
    knows = hmac.compare_digest(said.encode(), token.get_secret_value().encode())
    if knows:
        st.session_state["knows-token"] = True
        st.query_params.pop("token", None)  # not to be left in the history with what follows
    return knows
