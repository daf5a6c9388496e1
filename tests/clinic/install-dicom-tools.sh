#!/bin/sh
# Put other makers' DICOM programs where tests find them; without them those tests are skipped and say so.
missing=""
for name in dciodvfy dsrdump dcmpschk dcmp2pgm storescp; do
  command -v "$name" >/dev/null 2>&1 || missing=yes
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing DICOM tools for the tests of what is written and sent ..."
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends dcmtk dicom3tools; \
  } >/dev/null 2>&1 && exit 0
fi
echo "Some DICOM tools were not found and could not be installed: tests that need them will be skipped."
echo "To run them, as root: apt-get install dcmtk dicom3tools"
exit 0
