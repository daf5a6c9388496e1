"""What package metadata does not say of licences, and what is to be known of the less free ones."""

from __future__ import annotations

NAMED = {
    "colorama": "BSD-3-Clause",  # on Windows only
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",  # an empty package that asks for others
    "pypdfium2": "BSD-3-Clause OR Apache-2.0",  # it writes "dependency licenses" into the same field
}
"""Licences of packages that name none, or are not installed where the list is made."""

NVIDIA = "LicenseRef-NVIDIA-Proprietary"

BY_LICENCE = {
    NVIDIA: "NVIDIA's own terms. Fetched by torch on Linux, for graphics cards. May be passed on as "
    "part of an application, under those terms and unchanged. Where no graphics card is used, torch's "
    "build for processors does without them.",
    "MPL-2.0": "Files of the package itself that somebody changes stay under this licence; used as "
    "they are, nothing follows for other files.",
}
"""Notes on every package under a licence."""

BY_PACKAGE = {
    "fpdf2": "Used as it comes, as a package of its own that anybody may replace; then nothing follows "
    "for other files. Changes of the package itself stay under this licence.",
    "pylibjpeg-libjpeg": "Reads JPEG lossless and JPEG-LS. Who passes on an installed whole with it (a "
    "container, an installer) has to pass on the whole under GPL-3.0, as that licence is mostly read: the "
    "code here and nearly all packages allow that, NVIDIA's terms do not. Leave it out of such a whole, "
    "or NVIDIA's packages. Without it scans in these two encodings cannot be read.",
}
"""Notes on packages whose own licence asks for more than to be named."""

INSIDE = {
    "numpy": "libgfortran and libquadmath: GPL-3.0 with GCC's runtime exception, LGPL-2.1",
    "scipy": "libgfortran and libquadmath: GPL-3.0 with GCC's runtime exception, LGPL-2.1",
    "scikit-learn": "libgomp: GPL-3.0 with GCC's runtime exception",
    "torch": "libgomp: GPL-3.0 with GCC's runtime exception",
    "openvino": "parts of oneTBB: GPL-3.0 with GCC's runtime exception; liburing, used under MIT",
    "opencv-python-headless": "FFmpeg: LGPL-2.1; libgfortran as in numpy",
    "pypdfium2": "FreeType, used under its own licence, not the GPL-2.0; parts of GCC's libraries with its "
    "runtime exception",
    "shapely": "GEOS: LGPL-2.1",
}
"""Libraries within wheels whose licences ask for more than to be named."""
