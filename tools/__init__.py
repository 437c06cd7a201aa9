"""Small programs of the build and of the checks; nothing that runs in the product or in the lab."""
