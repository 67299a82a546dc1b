"""Who may do what in the stores: declared once, applied by `fraudml access`, and refused by test."""
