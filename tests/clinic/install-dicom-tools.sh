#!/bin/sh
# Put DICOM's own checkers and counterparts where their tests find them; without they are skipped and say so.
for name in dciodvfy dcmdump Orthanc pdftotext; do
  command -v "$name" >/dev/null 2>&1 || missing=yes
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing DICOM tools for the tests of what is written for archives ..."
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends dcmtk dicom3tools orthanc poppler-utils; } >/dev/null 2>&1 && exit 0
fi
echo "Not all DICOM tools were found and none could be installed: tests that need them will be skipped."
echo "To run them, as root: apt-get install dcmtk dicom3tools orthanc poppler-utils"
exit 0
