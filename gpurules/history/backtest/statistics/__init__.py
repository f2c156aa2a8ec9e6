"""What a back-test counts on each frame: matches, episodes, distributions, differences; added up over nodes."""
