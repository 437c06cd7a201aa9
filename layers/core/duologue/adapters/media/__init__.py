"""Media: prompts, recordings and the links to them."""
