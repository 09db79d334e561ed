"""What dashboards ask of the read API: pages of the scoreboard, and streams of changes."""
