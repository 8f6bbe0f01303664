"""From one version of a bundle to the next on a machine: put in place, go back, ship the change."""
