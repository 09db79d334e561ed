"""The Faust app that turns panes into figures, verdicts, scores and breaches."""
