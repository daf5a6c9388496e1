"""What the program is made of: locks, licences, known vulnerabilities. Not part of the app."""
