"""What a user would pick instead, each with the best settings that we found for it."""
