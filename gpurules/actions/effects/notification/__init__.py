"""What effects send and how an attempt ends: texts and templates, shared parameters, deliveries."""
