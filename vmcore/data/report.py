"""What the check of a study found, and what a person should look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict

from vmcore.imaging import CleaningSettings


class StudyReport(BaseModel):
    """What the check found (``study.json``). Images are named by their manifest path."""

    model_config = ConfigDict(extra="forbid")

    root: str
    """The originals' folder: seen from the study's where it moves with it, else in full; read it as
    :attr:`vmcore.data.StoredStudy.originals`."""
    prepared_at: str
    cleaning: CleaningSettings
    counts: list[dict[str, int | str]]
    unreadable: dict[str, str]
    lettered: list[str]
    headless: list[str] = []
    """Images in which no fetal head was found, where anybody looked for one."""
    twins: list[tuple[str, str, bool, bool]]
    """Pairs: first, second, whether exactly the same, whether of different subjects."""
    two_faced: list[str]
    """Subjects with images of both classes."""
    respelt: int = 0
    """Subjects that are spelt in several ways; each counts as one."""
    unknown_subjects: int = 0
    """Images whose subject is not known."""
    unknown_groups: int = 0
    """As how many subjects they count; fewer than there are images where several were given one name."""
    series_names: int = 0
    """Those of them whose file name suggests that another one is of the same fetus."""
    no_scans: int = 0
    """Files in class folders that are no scans by their content."""
    beside: int = 0
    """Folders and scans beside the class folders, which have no label."""
    changed_rejected: int = 0
    """Rejected images whose file has another content now."""
    renamed_rejected: int = 0
    """Images that were rejected and have another name now; they stay out."""
    two_labels: int = 0
    """Pairs of images that are exactly the same and have different labels."""

    def of_kept(self, kept: Mapping[str, object], rejected: Collection[str]) -> StudyReport:
        """The same for what is left when images are taken out.

        Args:
            kept: what was found out anew of the remaining images, by name.
            rejected: paths of the others.
        """
        left = {
            name: [path for path in getattr(self, name) if path not in rejected]
            for name in ("lettered", "headless")
        }
        return self.model_copy(update={**kept, **left})

    def concerns(self) -> list[str]:
        """One sentence for each thing that a person should look at."""
        said = []
        if self.unreadable:
            said.append(f"{len(self.unreadable)} files cannot be read and are left out.")
        if self.no_scans:
            said.append(
                f"{self.no_scans} files in the class folders are no scans and are left out."
            )
        if self.beside:
            said.append(
                f"{self.beside} folders or scans beside the class folders have no label and are left "
                "out."
            )
        if self.changed_rejected:
            said.append(
                f"{self.changed_rejected} images that were rejected have another content now, so they "
                "are in again."
            )
        if self.renamed_rejected:
            said.append(
                f"{self.renamed_rejected} images that were rejected have another name now; they stay out."
            )
        if self.headless:
            said.append(
                f"No fetal head was found in {len(self.headless)} of the images: look whether they show "
                "a brain."
            )
        return said + self._about_twins() + self._about_subjects() + self._about_text()

    def _about_twins(self) -> list[str]:
        said = []
        exact = [pair for pair in self.twins if pair[2]]
        near = [pair for pair in self.twins if not pair[2]]
        across = [pair for pair in self.twins if pair[3]]
        if exact:
            said.append(f"{len(exact)} pairs of images are exactly the same.")
        if near:
            said.append(f"{len(near)} pairs of images are nearly the same.")
        if self.two_labels:
            said.append(
                f"{self.two_labels} pairs of images that are exactly the same are normal and "
                "ventriculomegaly at once; one of each is wrong."
            )
        if across:
            said.append(
                f"{len(across)} of these pairs belong to different subjects. Those that are exactly the "
                "same are kept on one side of a split by subject; others could stand on both."
            )
        return said

    def _about_subjects(self) -> list[str]:
        said = []
        if len(self.counts) == 1:
            said.append(
                f"All images are called {self.counts[0]['label']}; a model needs both classes."
            )
        if self.respelt:
            said.append(
                f"{self.respelt} subjects are spelt in several ways (spaces, upper and lower case, accents); each "
                "counts as one fetus."
            )
        if self.two_faced:
            said.append(f"{len(self.two_faced)} subjects have images of both classes.")
        if 0 < self.unknown_groups < self.unknown_subjects:
            said.append(
                f"{self.unknown_subjects} images name no subject; they count as {self.unknown_groups} "
                "fetuses by what was kept together, so one fetus may stand on both sides of a split and "
                "figures may be too good."
            )
        elif self.unknown_subjects:
            said.append(
                f"{self.unknown_subjects} images name no subject; each counts as a fetus of its own, "
                "so one fetus may stand on both sides of a split and figures may be too good."
            )
        if self.series_names:
            said.append(
                f"The file names suggest that {self.series_names} of these images share their fetus "
                "with another one: put each fetus's images into a folder of its own, or list them in "
                "a manifest with subject_id. Until then do not rely on the figures."
            )
        return said

    def _about_text(self) -> list[str]:
        if not self.lettered:
            return []
        return [f"Text is still found in {len(self.lettered)} images after cleaning."]
