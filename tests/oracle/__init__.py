"""Recomputations of the figures, straight from raw files: no code of the product is used here.

What they take over from the product is definitions only: those of docs/mapping-servicenow.md,
docs/mapping-ecommerce.md and the indicator guide.
"""
