"""The foreign formats: one package per partner. Their names are used nowhere else, and they never import each other."""
