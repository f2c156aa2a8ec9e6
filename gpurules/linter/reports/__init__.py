"""What several checks share above ``Subject``: findings about pairs of rules, recorded rules, and repeated parts."""
