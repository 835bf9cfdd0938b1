"""How does a department that has lost its data get all its open orders again? shared/decisions/0011 draws it."""
