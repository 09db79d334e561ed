"""The rules and the arithmetic of scoring: no broker, no database, no clock, no environment."""
