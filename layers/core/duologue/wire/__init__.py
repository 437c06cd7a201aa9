"""Foreign names live here and nowhere else: one package per partner, which never import each other."""
