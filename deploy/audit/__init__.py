"""Looking dependencies over: what is known against them, and the floors below which none may fall."""
