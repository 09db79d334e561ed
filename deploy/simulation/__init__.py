"""A simulated service organisation: what its CRM and survey tool would send. Not real people."""
