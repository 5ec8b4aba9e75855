"""What people look at: screens and pages made of a run's files, with no framework."""
