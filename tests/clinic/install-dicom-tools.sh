#!/bin/sh
# Put other makers' DICOM programs where tests find them; without them those tests are skipped and say so.
missing=""
for name in dciodvfy dsrdump dcmpschk dcmp2pgm storescp Orthanc; do
  command -v "$name" >/dev/null 2>&1 || missing=yes
done
[ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || missing=yes
[ -z "$missing" ] && exit 0

# Orthanc's package would start an archive as a service of this machine: it is told not to meanwhile.
forbid_services() {
  [ -e /usr/sbin/policy-rc.d ] && return
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing DICOM tools for the tests of what is written and sent ..."
  { forbid_services; apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends dcmtk dicom3tools orthanc orthanc-dicomweb && \
    { ! command -v systemctl || systemctl disable orthanc || true; } \
  } >/dev/null 2>&1 && exit 0
fi
echo "Some DICOM tools were not found and could not be installed: tests that need them will be skipped."
echo "To run them, as root: apt-get install dcmtk dicom3tools orthanc orthanc-dicomweb"
exit 0
