"""What the page Models is made of: its questions, its cards, and what administrators do there."""
