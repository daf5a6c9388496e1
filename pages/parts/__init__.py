"""What pages share: the loaded model and the scans on the desk."""
