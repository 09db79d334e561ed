"""What CRM systems send to the whole system: a steady rate over HTTP, whatever it answers."""
