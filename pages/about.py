"""About: intended use, the model's card, and what its figures do not prove."""

from __future__ import annotations

from pages.parts.frame import enter_frame
from vmcore.runs.access import ROLES

enter_frame(*ROLES, title="About VentriScope")  # before what takes long to load

import streamlit as st

from pages.parts.plain import plain
from pages.parts.table import show_table
from vmcore import RESEARCH_USE_ONLY, __version__
from vmcore.anatomy import AnatomyError, load_anatomy_card
from vmcore.models import BundleCard, BundleError, load_card
from vmcore.reporting import calibration_words, decimal
from vmcore.runs import RunError, bundle_in_use
from vmcore.settings import settings


def main() -> None:
    """Draw the page."""
    st.write(
        "VentriScope marks prenatal ultrasound scans of the fetal brain on which a lateral "
        "ventricle looks wide: ventriculomegaly, an atrial width of 10 mm or more. It follows "
        "*Deep Learning Analysis of Prenatal Ultrasound for Identification of Ventriculomegaly* "
        "(USF-MAE, a masked autoencoder pretrained on ultrasound)."
    )
    st.warning(RESEARCH_USE_ONLY, icon=":material/science:")
    st.markdown(
        "**For** transventricular views at 18 to 24 weeks, looked at by someone who can measure "
        "an atrium.  \n**Not for** diagnosis, screening, other planes or other organs; a width that is told here is no measurement to act on.  \n"
        "**Your scans** are read on this machine and kept in memory until you close or reload the app in the browser. "
        "Stored are what the DICOM node receives and what is fetched from an archive, as it came; reports that wait to be "
        "sent; pictures that are kept for training, and studies. "
        "The audit trail, on unless it was switched off, keeps of each answer a digest of the cleaned picture, the "
        "scanner's model, the width and the verdict. The patient's name is read for reports and DICOM objects that are to bear it, "
        "the number to tell subjects apart where scans are kept for training or de-identified. Where the node is told to "
        "send reports, it sends them by itself, with the name. Text burned into the picture is searched for and "
        "removed, upright, turned or slanted; what is very faint or very small can stay, so look at "
        "a picture before you share it."
    )
    try:
        in_use = bundle_in_use()
        card = load_card(in_use.bundle)
    except (BundleError, RunError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    if in_use.concern:
        st.warning(plain(in_use.concern), icon=":material/sync_problem:")
    _card(card)
    _anatomy_card()
    st.caption(f"VentriScope {__version__}")


def _card(card: BundleCard) -> None:
    st.header("Model card", anchor=False)
    st.write(
        f"**{plain(card.name)}** · {plain(card.architecture)}, {card.folds} folds · made "
        f"{plain(card.created)} · "
        f"threshold {decimal(card.threshold)} ({plain(card.threshold_rule)}) · {calibration_words(card.calibration)}"
    )
    st.subheader("What the figures do not prove", anchor=False)
    for limit in card.limits:
        st.markdown(f"- {plain(limit)}")
    for title, figures in card.metrics.items():
        st.subheader(plain(title), anchor=False)
        _content(figures)
    st.subheader("Training data", anchor=False)
    for title, rows in card.training_data.items():
        st.markdown(f"**{plain(title)}**")
        _content(rows)
    st.caption(f"Licence: {plain(card.licence)}")


def _anatomy_card() -> None:
    st.header("Anatomy model", anchor=False)
    try:
        card = load_anatomy_card(settings().anatomy)
    except AnatomyError as error:
        st.error(f"Nothing is measured. {plain(str(error))}", icon=":material/straighten:")
        return
    st.write(
        f"**{plain(card.name)}** · finds head and ventricle, measures the atrium · made {plain(card.created)}"
    )
    for caution in card.cautions:
        st.markdown(f"- {plain(caution)}")
    for title, content in {**card.metrics, **card.training_data}.items():
        st.markdown(f"**{plain(title)}**")
        _content(content)
    st.caption(f"Licence: {plain(card.licence)}")


def _content(content: object) -> None:
    if isinstance(content, list):
        show_table(content)
    else:
        st.write(plain(content) if isinstance(content, str) else content)


main()
