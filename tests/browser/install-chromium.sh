#!/bin/sh
# Put a Chromium where the browser tests find it; without one they are skipped and say so.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests ..."
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
    && exit 0
fi
echo "No Chromium was found and none could be installed: the browser tests will be skipped."
echo "To run them, install it as root, for instance: sudo apt-get install chromium"
exit 0
