"""What pages share: the loaded model and the uploaded scans."""
